import { FIELD_MANAGER, GROUP, MANAGED_BY_LABEL } from "../model/names.ts";
import type { KubernetesObject } from "../model/objects.ts";
import { authoritiesIn, type KeyPair, type Signer, signerOf } from "./inspect.ts";
import type { Generations } from "./rotation.ts";

export const SECRET_NAME = "drawbridge-ca";

/** When `ca.crt` began to sign. */
export const SINCE_ANNOTATION = `${GROUP}/signs-since`;

export interface Secret extends KubernetesObject {
  readonly type?: string;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** The Secret with these generations in it; what else others have written to its metadata stays. */
export function secretOf(namespace: string, { ca, next, previous, since }: Generations, stored?: Secret): Secret {
  const { metadata = {}, type = "Opaque" } = stored ?? {};
  const data = {
    "ca.crt": ca.cert,
    "ca.key": ca.key,
    ...(next && { "next.crt": next.cert, "next.key": next.key }),
    ...(previous.length > 0 && { "previous.crt": previous.map(({ cert }) => cert).join("") }),
  };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      ...metadata,
      name: SECRET_NAME,
      namespace,
      labels: { ...metadata.labels, [MANAGED_BY_LABEL]: FIELD_MANAGER },
      annotations: { ...metadata.annotations, [SINCE_ANNOTATION]: new Date(since).toISOString() },
    },
    type,
    data: Object.fromEntries(Object.entries(data).map(([key, pem]) => [key, Buffer.from(pem).toString("base64")])),
  };
}

/**
 * The generations in a Secret. It is all or nothing: who has damaged a part of it shall not have a say in the rest.
 * @throws Error what is wrong with it
 */
export function generationsIn({ data = {}, metadata }: Secret): Generations {
  const text = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString();
  const signer = (name: string): Signer => {
    try {
      return signerOf(pairOf(text(`${name}.crt`), text(`${name}.key`)));
    } catch (error) {
      throw new Error(`${name}.crt and ${name}.key: ${messageOf(error)}`, { cause: error });
    }
  };
  const ca = signer("ca");
  const next = "next.crt" in data || "next.key" in data ? signer("next") : undefined;
  const previous = authoritiesIn(text("previous.crt"));
  if ("previous.crt" in data && previous.length !== text("previous.crt").split("-----BEGIN ").length - 1) {
    throw new Error("previous.crt: it is not made of certificates of CAs alone");
  }
  const since = Date.parse(metadata?.annotations?.[SINCE_ANNOTATION] ?? metadata?.creationTimestamp ?? "");
  return { ca, ...(next && { next }), previous, since: Number.isNaN(since) ? ca.notBefore : since };
}

/** Node's own errors about PEM name neither file nor cause. */
function pairOf(cert: string, key: string): KeyPair {
  if (!cert.includes("-----BEGIN CERTIFICATE-----")) throw new Error("the certificate is missing or not PEM");
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) throw new Error("the private key is missing or not PEM");
  return { cert, key };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
