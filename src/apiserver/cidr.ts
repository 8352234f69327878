import { BITS, parseCidr, prefixSize } from "../model/cidr.ts";
import type { Range } from "../model/ranges.ts";
import { show } from "./report.ts";

type Block = NonNullable<ReturnType<typeof parseCidr>>;

/** ::ffff:0:0/96, where IPv6 writes IPv4 addresses: some programs would read one as the one, some as the other. */
const MAPPED: Range = [0xffff_0000_0000n, 0xffff_ffff_ffffn];

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
  const { family, range } = single;
  const [first] = range;
  if (family === "IPv6" && isWithin(range, MAPPED)) return wrong("IPv4 must not be written as IPv6");
  const count = prefixSize(family, Number(length));
  if (first % count !== 0n) return wrong(`bits after the first ${length} must be 0: the network's address`);
  return { family, range: [first, first + count - 1n] };
}

/** All of the inner addresses are in `outer`, and fewer. */
export function isProperPart(inner: Block, outer: Block): boolean {
  const isSame = inner.range[0] === outer.range[0] && inner.range[1] === outer.range[1];
  return inner.family === outer.family && !isSame && isWithin(inner.range, outer.range);
}

function isWithin(inner: Range, outer: Range): boolean {
  return outer[0] <= inner[0] && inner[1] <= outer[1];
}

/** 010.0.0.08 is 10.0.0.8, and an IPv6 group has at most four digits. */
function withoutZeros(address: string): string {
  return address.includes(".")
    ? address.replaceAll(/(?<=^|[.:])0+(?=\d)/g, "")
    : address.replaceAll(/(?<=^|:)0+(?=[\da-fA-F]{4})/g, "");
}
