import type { Authority, Leaf, Signer } from "../../src/certs/inspect.ts";
import type { Lives } from "../../src/certs/lives.ts";
import type { Observed } from "../../src/certs/rotation.ts";

export const HOUR_MS = 60 * 60 * 1000;
export const DAY_MS = 24 * HOUR_MS;

/** A CA without cryptography: rotation looks at names and times only. */
export function signer(id: string, madeAt: number, { caMs, backdateMs }: Lives): Signer {
  const cert = `certificate ${id}\n`;
  return { cert, key: `key ${id}`, id, name: id, notBefore: madeAt - backdateMs, notAfter: madeAt + caMs };
}

export function leafBy(ca: Authority, madeAt: number, { leafMs, backdateMs }: Lives): Leaf {
  const notAfter = Math.min(madeAt + leafMs, ca.notAfter);
  return { cert: "certificate", key: "key", issuer: ca.id, notBefore: madeAt - backdateMs, notAfter };
}

export const UNREGISTERED: Observed = { registered: false, carried: new Map(), trusted: [] };

/** Every webhook carries these, each for so long. */
export function observed(...carried: readonly (readonly [Authority, number])[]): Observed {
  return {
    registered: true,
    carried: new Map(carried.map(([{ id }, forMs]) => [id, forMs])),
    trusted: carried.map(([authority]) => authority),
  };
}
