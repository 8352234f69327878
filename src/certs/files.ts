import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../model/errors.ts";
import { type KeyPair, type Leaf, leafOf, type Signer, signerOf } from "./inspect.ts";
import { issueCa, issueLeaf } from "./issue.ts";
import { LIVES, type Lives, renewAt } from "./lives.ts";

/** What a server that is alone needs to be trusted: its certificate, and the CA that its clients are told of. */
export interface OwnCertificate {
  readonly ca: Signer;
  readonly leaf: Leaf;
}

/** A CA that lives as long as the process (and at most as CAs do), and a certificate. */
export async function inMemory(names: readonly string[], now: Date, lives: Lives = LIVES): Promise<OwnCertificate> {
  const ca = signerOf(await issueCa(now, lives));
  return { ca, leaf: await sign(ca, names, now, lives) };
}

/**
 * The same, kept in a folder (ca.crt, ca.key, tls.crt, tls.key) so that a client can be told of the CA once. What is
 * there is used while it is good for another third of its life; else it is made anew.
 * @throws InputError invalid-certificate where the folder cannot be written
 */
export async function inFolder(
  folder: string,
  names: readonly string[],
  now: Date,
  lives: Lives = LIVES,
): Promise<OwnCertificate> {
  try {
    await mkdir(folder, { recursive: true });
    let ca = await readIf(folder, "ca", signerOf);
    if (ca === undefined || !isFresh(ca, now, lives)) {
      ca = signerOf(await issueCa(now, lives));
      await writePair(folder, "ca", ca);
    }
    const issuer = ca;
    const leaf = await readIf(folder, "tls", (pair) => leafOf(pair, issuer, names));
    if (leaf !== undefined && isFresh(leaf, now, lives)) return { ca, leaf };
    return await renew({ ca }, names, now, lives, folder);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("invalid-certificate", `--cert-dir ${folder}: ${why}. Name a folder that can be written.`, {
      cause,
    });
  }
}

/** Another certificate of the same CA, which is all that clients know. */
export async function renew(
  { ca }: Pick<OwnCertificate, "ca">,
  names: readonly string[],
  now: Date,
  lives: Lives,
  folder?: string,
): Promise<OwnCertificate> {
  const leaf = await sign(ca, names, now, lives);
  if (folder !== undefined) await writePair(folder, "tls", leaf);
  return { ca, leaf };
}

async function sign(ca: Signer, names: readonly string[], now: Date, lives: Lives): Promise<Leaf> {
  return leafOf(await issueLeaf(ca, names, now, lives), ca, names);
}

/** What is there, can be read and is what it should be; else nothing. */
async function readIf<T>(folder: string, name: string, check: (pair: KeyPair) => T): Promise<T | undefined> {
  try {
    const [cert, key] = await Promise.all([
      readFile(join(folder, `${name}.crt`), "utf8"),
      readFile(join(folder, `${name}.key`), "utf8"),
    ]);
    return check({ cert, key });
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

function isFresh(of: { readonly notBefore: number; readonly notAfter: number }, now: Date, lives: Lives): boolean {
  return of.notBefore <= now.getTime() && now.getTime() < renewAt(of, lives);
}
