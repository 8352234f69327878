import { BITS, type Block, isMapped, networkOf, parseCidr, withoutZeros } from "../model/cidr.ts";
import type { Range } from "../model/ranges.ts";
import { show } from "../model/printable.ts";

const NOT_ONE = "must be a CIDR like 10.0.0.0/8 or 2001:db8::/32";

/** The addresses of a CIDR, or what Kubernetes 1.36 (its gate StrictIPCIDRValidation) has against how it is written. */
export function readCidr(text: string): Block | { readonly problem: string } {
  const wrong = (why: string): { readonly problem: string } => ({ problem: `is ${show(text)}; ${why}` });
  if (text.length > 60) return wrong(NOT_ONE);
  const [, address, length] = /^([\da-fA-F.:]+)\/(\d+)$/.exec(text) ?? [];
  if (address === undefined || length === undefined) {
    const single = /[/%]/.test(text) ? undefined : parseCidr(text);
    return wrong(single === undefined ? NOT_ONE : `must be a CIDR: write /${BITS[single.family]} after it`);
  }
  const single = parseCidr(address);
  if (single === undefined || /^0\d/.test(length) || Number(length) > BITS[single.family]) {
    const plain = `${withoutZeros(address)}/${Number(length)}`;
    const isPadded = plain !== text && parseCidr(plain) !== undefined;
    return wrong(isPadded ? "numbers must not begin with 0" : NOT_ONE);
  }
  if (isMapped(single)) return wrong("IPv4 must not be written as IPv6");
  const network = networkOf(single, Number(length));
  if (network.range[0] !== single.range[0])
    return wrong(`bits after the first ${length} must be 0: the network's address`);
  return network;
}

/** All of the inner addresses are in `outer`, and fewer. */
export function isProperPart(inner: Block, outer: Block): boolean {
  const isSame = inner.range[0] === outer.range[0] && inner.range[1] === outer.range[1];
  return inner.family === outer.family && !isSame && isWithin(inner.range, outer.range);
}

function isWithin(inner: Range<number | bigint>, outer: Range<number | bigint>): boolean {
  return outer[0] <= inner[0] && inner[1] <= outer[1];
}
