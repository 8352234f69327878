import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A CA whose certificates we trust, or tell others to trust. */
export interface Authority {
  /** PEM. */
  readonly cert: string;
  /** SHA-256 of the certificate. */
  readonly id: string;
  /** For people: `drawbridge-ca-mi8x3k2f-1f2e3d4c`. */
  readonly name: string;
  /** Milliseconds since 1970, as everywhere here. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A CA that we can sign by. */
export interface Signer extends Authority, KeyPair {}

/** A server's own certificate, and the CA that signed it. */
export interface Leaf extends KeyPair {
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** @throws Error what is wrong with it */
export function authorityOf(pem: string): Authority {
  const certificate = new X509Certificate(pem);
  const name = certificate.subject.replace(/^CN=/, "");
  if (!certificate.ca) throw new Error(`${name} is not the certificate of a CA`);
  return {
    // Only itself: what else a file holds is not to be trusted on the way.
    cert: certificate.toString(),
    id: certificate.fingerprint256,
    name,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  };
}

/** @throws Error what is wrong with it */
export function signerOf({ cert, key }: KeyPair): Signer {
  const authority = authorityOf(cert);
  const privateKey = createPrivateKey(key);
  if (!new X509Certificate(cert).checkPrivateKey(privateKey)) {
    throw new Error(`the private key is not that of ${authority.name}`);
  }
  // selfsigned signs by the algorithm of the new key: with a CA of another type it would make garbage.
  if (privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new Error(`the private key of ${authority.name} is not an elliptic curve key of P-256`);
  }
  return { ...authority, key };
}

/** What was issued, checked before anybody is shown it. @throws Error what is wrong with it */
export function leafOf({ cert, key }: KeyPair, ca: Authority, names: readonly string[]): Leaf {
  const certificate = new X509Certificate(cert);
  const issuer = new X509Certificate(ca.cert);
  if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error("the private key is another certificate's");
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
    throw new Error(`the certificate was not signed by ${ca.name}`);
  }
  const missing = names.filter((name) => !isFor(certificate, name));
  if (missing.length > 0) throw new Error(`the certificate is not for ${missing.join(", ")}`);
  const [notBefore, notAfter] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  return { cert, key, issuer: ca.id, notBefore, notAfter };
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
}

/** The CAs of a bundle. What is no certificate of a CA is left out. */
export function authoritiesIn(bundle: string): readonly Authority[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [authorityOf(block)];
    } catch {
      return [];
    }
  });
}
