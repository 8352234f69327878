import { createPrivateKey, X509Certificate } from "node:crypto";
import type { FastifyInstance } from "fastify";

/** PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** All TLS options that there are: whatever sets one of them sets them all. */
export function tlsOptions({ cert, key }: Pair) {
  return { cert, key, minVersion: "TLSv1.2" } as const;
}

/**
 * New connections see this certificate from now on; those that are open go on. Nothing changes where the pair cannot be
 * used. (setSecureContext itself forgets every option that it is not told again, and does so before it looks at them.)
 * @throws Error
 */
export function useCertificate(app: FastifyInstance, pair: Pair): void {
  if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) {
    throw new Error("the private key is not that of the certificate");
  }
  const { server } = app;
  if (!("setSecureContext" in server) || typeof server.setSecureContext !== "function") {
    throw new TypeError("the server does not speak TLS");
  }
  server.setSecureContext(tlsOptions(pair));
}
