import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { InputError } from "../model/errors.ts";
import { issueCa, issueLeaf, type KeyPair } from "./issue.ts";

/** What a server needs to be trusted: its certificate, and the CA that its clients are told of. */
export interface ServingCertificate {
  readonly leaf: KeyPair;
  readonly caCert: string;
}

/** A CA and a leaf that live as long as the process. */
export async function inMemory(names: readonly string[], now: Date): Promise<ServingCertificate> {
  const ca = await issueCa(now);
  return { leaf: await issueLeaf(ca, names, now), caCert: ca.cert };
}

/**
 * The same, kept in a folder (ca.crt, ca.key, tls.crt, tls.key) so that a client can be told of the CA once. What is
 * there is used while it is good for another third of its life; else it is made anew.
 * @throws InputError invalid-certificate where the folder cannot be written
 */
export async function inFolder(folder: string, names: readonly string[], now: Date): Promise<ServingCertificate> {
  try {
    await mkdir(folder, { recursive: true });
    let ca = await readPair(folder, "ca");
    if (ca === undefined || !isFresh(ca, now)) {
      ca = await issueCa(now);
      await writePair(folder, "ca", ca);
    }
    let leaf = await readPair(folder, "tls");
    if (leaf === undefined || !isFresh(leaf, now) || !isSignedBy(leaf, ca) || !isFor(leaf, names)) {
      leaf = await issueLeaf(ca, names, now);
      await writePair(folder, "tls", leaf);
    }
    return { leaf, caCert: ca.cert };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("invalid-certificate", `--cert-dir ${folder}: ${why}. Name a folder that can be written.`, {
      cause,
    });
  }
}

/** A pair that is there, can be read and belongs together; else nothing. */
async function readPair(folder: string, name: string): Promise<KeyPair | undefined> {
  try {
    const [cert, key] = await Promise.all([
      readFile(join(folder, `${name}.crt`), "utf8"),
      readFile(join(folder, `${name}.key`), "utf8"),
    ]);
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch {
    return undefined;
  }
}

/** Each file appears whole or not at all; the key is for its owner only. */
async function writePair(folder: string, name: string, { cert, key }: KeyPair): Promise<void> {
  for (const [file, text, mode] of [
    [`${name}.key`, key, 0o600],
    [`${name}.crt`, cert, 0o644],
  ] as const) {
    const temporary = join(folder, `.${file}.${process.pid}`);
    await writeFile(temporary, text, { mode });
    await rename(temporary, join(folder, file));
  }
}

function isFresh({ cert }: KeyPair, now: Date): boolean {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const renewAt = validToDate.getTime() - (validToDate.getTime() - validFromDate.getTime()) / 3;
  return validFromDate <= now && now.getTime() < renewAt;
}

function isSignedBy({ cert }: KeyPair, ca: KeyPair): boolean {
  return new X509Certificate(cert).verify(new X509Certificate(ca.cert).publicKey);
}

function isFor({ cert }: KeyPair, names: readonly string[]): boolean {
  const certificate = new X509Certificate(cert);
  return names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined);
}
