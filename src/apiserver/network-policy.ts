import { isRecord, items, type JsonObject } from "../model/json.ts";
import { PROTOCOLS } from "../model/ports.ts";
import { isProperPart, readCidr } from "./cidr.ts";
import { show } from "../model/printable.ts";
import type { Report } from "./report.ts";
import { checkSelector } from "./selectors.ts";
import { portNameProblem } from "../model/syntax.ts";

const POLICY_TYPES = ["Ingress", "Egress"];
const PEER_FIELDS = ["podSelector", "namespaceSelector", "ipBlock"];
const SIDES = { ingress: "from", egress: "to" } as const;

/** Values of a wrong type are none of its business: decoding has refused them. */
export function checkPolicySpec(spec: JsonObject, path: string, report: Report): void {
  checkSelector(spec["podSelector"], `${path}/podSelector`, report);
  checkPolicyTypes(spec["policyTypes"], `${path}/policyTypes`, report);
  for (const [direction, side] of Object.entries(SIDES)) {
    for (const [i, clause] of items(spec[direction]).entries()) {
      if (!isRecord(clause)) continue;
      const here = `${path}/${direction}/${i}`;
      for (const [n, peer] of items(clause[side]).entries()) checkPeer(peer ?? {}, `${here}/${side}/${n}`, report);
      for (const [n, port] of items(clause["ports"]).entries()) checkPort(port, `${here}/ports/${n}`, report);
    }
  }
}

function checkPolicyTypes(raw: unknown, path: string, report: Report): void {
  const types = items(raw);
  if (types.length > 2) report(path, `has ${types.length} items; allowed: ${POLICY_TYPES.join(", ")}, at most two`);
  for (const [i, item] of types.entries()) {
    const type = item ?? "";
    if (typeof type === "string" && !POLICY_TYPES.includes(type))
      report(`${path}/${i}`, `is ${show(item)}; allowed: ${POLICY_TYPES.join(", ")}`);
  }
}

function checkPeer(peer: unknown, path: string, report: Report): void {
  if (!isRecord(peer)) return;
  const named = Object.keys(peer).filter((field) => peer[field] != null);
  // A peer of nothing but unknown fields has been refused already, and better.
  if (named.length === 0) report(path, `is empty; one of ${PEER_FIELDS.join(", ")} is required`);
  if (peer["ipBlock"] != null && (peer["podSelector"] != null || peer["namespaceSelector"] != null))
    report(path, "has ipBlock and a selector; make two peers of it");
  checkSelector(peer["podSelector"], `${path}/podSelector`, report);
  checkSelector(peer["namespaceSelector"], `${path}/namespaceSelector`, report);
  if (isRecord(peer["ipBlock"])) checkBlock(peer["ipBlock"], `${path}/ipBlock`, report);
}

function checkBlock(block: JsonObject, path: string, report: Report): void {
  const cidr = block["cidr"] ?? "";
  if (cidr === "") return report(`${path}/cidr`, "is missing");
  const whole = typeof cidr === "string" ? readCidr(cidr) : undefined;
  if (whole !== undefined && "problem" in whole) report(`${path}/cidr`, whole.problem);
  for (const [i, item] of items(block["except"]).entries()) {
    const except = item ?? "";
    if (typeof except !== "string") continue;
    const hole = readCidr(except);
    if ("problem" in hole) report(`${path}/except/${i}`, hole.problem);
    else if (whole !== undefined && !("problem" in whole) && !isProperPart(hole, whole))
      report(`${path}/except/${i}`, `is ${show(except)}; must be a part of ${show(cidr)}, and smaller`);
  }
}

function checkPort(raw: unknown, path: string, report: Report): void {
  if (!isRecord(raw)) return;
  const { protocol, port, endPort } = raw;
  if (typeof protocol === "string" && !PROTOCOLS.some((known) => known === protocol))
    report(`${path}/protocol`, `is ${show(protocol)}; allowed: ${PROTOCOLS.join(", ")}`);
  if (typeof port === "number" && !isPort(port)) report(`${path}/port`, `is ${port}; allowed: 1 to 65535, or a name`);
  const nameProblem = typeof port === "string" ? portNameProblem(port) : undefined;
  if (nameProblem !== undefined) report(`${path}/port`, nameProblem);

  if (typeof endPort !== "number") return;
  if (port === null || port === undefined)
    report(`${path}/endPort`, `is ${endPort}; needs port, the first of the range`);
  else if (typeof port === "string") report(`${path}/endPort`, `is ${endPort}; needs a port that is a number`);
  else if (!isPort(endPort)) report(`${path}/endPort`, `is ${endPort}; allowed: 1 to 65535`);
  else if (typeof port === "number" && endPort < port)
    report(`${path}/endPort`, `is ${endPort}; must not be less than port, ${port}`);
}

function isPort(number: number): boolean {
  return number >= 1 && number <= 65_535;
}
