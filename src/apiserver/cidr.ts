import { parseCidr } from "../model/cidr.ts";
import type { Range } from "../model/ranges.ts";
import { show } from "./report.ts";

type Block = NonNullable<ReturnType<typeof parseCidr>>;

/** ::ffff:0:0/96, where IPv6 writes IPv4 addresses: some programs would read one as the one, some as the other. */
const MAPPED: Range = [0xffff_0000_0000n, 0xffff_ffff_ffffn];

/** The addresses of a CIDR, or what Kubernetes 1.36 (its gate StrictIPCIDRValidation) has against how it is written. */
export function readCidr(text: string): Block | { readonly problem: string } {
  const wrong = (why: string): { readonly problem: string } => ({ problem: `is ${show(text)}; ${why}` });
  const [, address, length] = /^([\da-fA-F.:]+)\/(\d{1,9})$/.exec(text) ?? [];
  if (address === undefined || length === undefined) {
    const full = parseCidr(text)?.family === "IPv6" ? 128 : 32;
    const isAddress = !/[/%]/.test(text) && parseCidr(text) !== undefined;
    return wrong(
      isAddress ? `must be a CIDR: write /${full} after it` : "must be a CIDR like 10.0.0.0/8 or 2001:db8::/32",
    );
  }
  const block = parseCidr(text);
  const single = parseCidr(address);
  if (block === undefined || single === undefined || /^0\d/.test(length)) {
    const plain = `${withoutZeros(address)}/${Number(length)}`;
    const isPadded = plain !== text && parseCidr(plain) !== undefined;
    return wrong(isPadded ? "numbers must not begin with 0" : "must be a CIDR like 10.0.0.0/8 or 2001:db8::/32");
  }
  if (block.family === "IPv6" && isWithin(single.range, MAPPED)) return wrong("IPv4 must not be written as IPv6");
  if (single.range[0] !== block.range[0])
    return wrong(`bits after the first ${length} must be 0: the network's address`);
  return block;
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
