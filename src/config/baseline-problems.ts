import { blockAddresses, isAddress, isNetwork, prefixSize, throughNat64 } from "../model/cidr.ts";
import { endOf } from "../model/dates.ts";
import type { Problem } from "../model/errors.ts";
import { pointer } from "../model/json.ts";
import type { Labels } from "../model/objects.ts";
import { labelKeyProblem, portNameProblem } from "../model/syntax.ts";
import type { BaselineSpec, NetworkBaseline, NetworkPlatform, TemplateName } from "./baseline.ts";
import { show } from "./show.ts";
import { atStage, openedWays, possibleWays, type Way } from "./ways.ts";

/** What is wrong with a NetworkBaseline beyond its shape and its selector. */
export function baselineProblems({ metadata, spec }: NetworkBaseline): Problem[] {
  const names = spec.templates.map(({ name }) => name);
  return [
    ...nameProblems(metadata),
    ...dnsProblems(spec),
    ...platformProblems(spec),
    ...newSinceProblems(spec),
    ...stageProblems(spec),
    ...spec.templates.flatMap(({ name, ports }, i) => {
      const path = pointer("/spec/templates", i);
      if (names.indexOf(name) !== i) return [problem(pointer(path, "name"), name, "which is there already", ",")];
      return [...portProblems(ports ?? [], pointer(path, "ports")), ...templateProblems(spec, name, ports, path)];
    }),
  ];
}

function problem(path: string, value: unknown, what: string, separator = ";"): Problem {
  return { path, message: `is ${show(value)}${separator} ${what}` };
}

/** It is the value of a label, in its policies and in the namespaces that ask for it. */
function nameProblems({ name }: NetworkBaseline["metadata"]): Problem[] {
  const what = `has ${name.length} characters; policies carry it as a label, which takes at most ${MOST_CHARACTERS}`;
  return name.length > MOST_CHARACTERS ? [problem("/metadata/name", name, what, ",")] : [];
}

const MOST_CHARACTERS = 63;

function newSinceProblems({ newSince }: BaselineSpec): Problem[] {
  const isTime = newSince === undefined || endOf(newSince) !== undefined;
  return isTime ? [] : [problem("/spec/newSince", newSince, "there is no such time")];
}

function stageProblems(spec: BaselineSpec): Problem[] {
  if (atStage(spec).templates.length > 0) return [];
  return [problem("/spec/stage", spec.stage, `at which it gives nothing: add ${DENIED_BY.ingress}`, ",")];
}

function dnsProblems({ dns }: BaselineSpec): Problem[] {
  if (dns === undefined) return [];
  return [
    ...emptinessProblems(dns, "/spec/dns", "leave it out to have it found"),
    ...podProblems(dns.pods, "/spec/dns/pods"),
    ...addressProblems(dns.addresses, "/spec/dns/addresses"),
  ];
}

function platformProblems({ platform = {} }: BaselineSpec): Problem[] {
  const { apiServer, ...others } = platform;
  return [
    ...apiServerProblems(apiServer),
    ...Object.entries(others).flatMap(([name, peers]) =>
      peerProblems(peers, pointer("/spec/platform", name), "say where it runs"),
    ),
  ];
}

function apiServerProblems(apiServer: NetworkPlatform["apiServer"]): Problem[] {
  if (apiServer === undefined) return [];
  const { addresses, ports, callers } = apiServer;
  const path = "/spec/platform/apiServer";
  const empty = "names neither addresses and ports nor callers; leave it out to have found where it answers";
  return [
    ...([addresses, ports, callers].every((one) => one === undefined) ? [{ path, message: empty }] : []),
    ...(addresses !== undefined && ports === undefined
      ? [{ path: pointer(path, "ports"), message: "is missing; say where it listens at these addresses: [6443]" }]
      : []),
    ...(addresses === undefined && ports !== undefined
      ? [{ path: pointer(path, "addresses"), message: "is missing; without addresses ports are found, too" }]
      : []),
    ...addressProblems(addresses, pointer(path, "addresses")),
    ...(callers ? peerProblems(callers, pointer(path, "callers"), "say where its calls come from") : []),
  ];
}

function peerProblems(
  { pods, addresses }: NonNullable<NetworkPlatform["ingressController"]>,
  path: string,
  advice: string,
): Problem[] {
  return [
    ...emptinessProblems({ pods, addresses }, path, advice),
    ...podProblems(pods, pointer(path, "pods")),
    ...rangeProblems(addresses, pointer(path, "addresses")),
  ];
}

function emptinessProblems(
  { pods, addresses }: { readonly pods?: unknown; readonly addresses?: unknown },
  path: string,
  advice: string,
): Problem[] {
  const isEmpty = pods === undefined && addresses === undefined;
  return isEmpty ? [{ path, message: `names neither pods nor addresses; ${advice}` }] : [];
}

/** What the API server would refuse in a policy would leave every namespace without. */
function podProblems(pods: readonly { readonly labels: Labels }[] = [], path: string): Problem[] {
  return pods.flatMap(({ labels }, i) =>
    Object.keys(labels)
      .filter((key) => labelKeyProblem(key) !== undefined)
      .map((key) => ({ path: pointer(path, i, "labels", key), message: "is not the key of a label" })),
  );
}

function addressProblems(addresses: readonly string[] = [], path: string): Problem[] {
  return addresses.flatMap((address, i) =>
    isAddress(address)
      ? []
      : [problem(pointer(path, i), address, "must be one IPv4 or IPv6 address, without a prefix")],
  );
}

function rangeProblems(ranges: readonly string[] = [], path: string): Problem[] {
  return ranges.flatMap((range, i) => {
    const here = pointer(path, i);
    if (isAddress(range)) return [];
    if (!isNetwork(range)) {
      return [problem(here, range, "must be an IPv4 or IPv6 address, or a range of them such as 10.0.16.0/20")];
    }
    const { IPv4, IPv6 } = WIDEST;
    return isNarrow(range)
      ? []
      : [problem(here, range, `no range may be wider than /${IPv4} (IPv4) or /${IPv6} (IPv6)`)];
  });
}

/** The nodes of a cluster, or the load balancers of a cloud, fit into one. What is wider is more than a peer. */
const WIDEST = { IPv4: 16, IPv6: 48 } as const;

function isNarrow(range: string): boolean {
  const { IPv4, IPv6 } = throughNat64(blockAddresses(range, []));
  const isWithin = (family: keyof typeof WIDEST, ranges: typeof IPv4 | typeof IPv6) =>
    ranges.every(([first, end]) => BigInt(end) - BigInt(first) <= prefixSize(family, WIDEST[family]));
  return isWithin("IPv4", IPv4) && isWithin("IPv6", IPv6);
}

function portProblems(ports: readonly unknown[], path: string): Problem[] {
  return ports.flatMap((port, i) =>
    isPort(port)
      ? []
      : [problem(pointer(path, i), port, "must be a number from 1 to 65535, or the name of a Pod's port")],
  );
}

function isPort(port: unknown): boolean {
  if (typeof port === "number") return Number.isInteger(port) && port >= 1 && port <= 65_535;
  return typeof port === "string" && portNameProblem(port) === undefined;
}

/** Does a template have what it needs, and something to open? */
function templateProblems(
  spec: BaselineSpec,
  name: TemplateName,
  ports: readonly unknown[] | undefined,
  path: string,
): Problem[] {
  const possible = possibleWays(name) ?? [];
  const opened = openedWays(spec, name);
  if (possible.length > 0 && opened.length === 0) return [nothingOpened(spec, name, possible, path)];
  const taken = opened.flatMap((way) => way.ports ?? []);
  const here = pointer(path, "ports");
  if (ports === undefined) {
    const message = `is missing; say which ports of its Pods every such namespace opens for ${name}: [8080, http]`;
    return taken.includes("needed") ? [{ path: here, message }] : [];
  }
  if (taken.length > 0) return [];
  const scraper = possible.find((way) => way.ports === "needed")?.peer;
  const when = scraper === undefined ? "none" : `them only for spec.platform.${scraper}, where ingress is denied`;
  return [problem(here, ports, `${name} takes ${when}`)];
}

function nothingOpened(
  { platform }: BaselineSpec,
  name: TemplateName,
  possible: readonly Way[],
  path: string,
): Problem {
  const ready = possible.filter(({ peer }) => peer === undefined || platform?.[peer] !== undefined);
  if (ready.length > 0) {
    const denies = ready.map(({ direction }) => DENIED_BY[direction]).join(" or ");
    return problem(
      pointer(path, "name"),
      name,
      `which has nothing to open where nothing is denied: add ${denies}`,
      ",",
    );
  }
  const peers = possible.flatMap(({ peer }) => peer ?? []);
  const [first] = peers;
  const where = peers.length === 1 ? pointer("/spec/platform", first ?? "") : "/spec/platform";
  const what = peers.length === 1 ? "is missing" : `names neither ${peers.join(" nor ")}`;
  const example = `${first}: {pods: [{namespace: NAMESPACE, labels: {app.kubernetes.io/name: NAME}}]}`;
  return { path: where, message: `${what}; ${name} opens the way to it. Say where it runs: ${example}` };
}

const DENIED_BY = { ingress: "00-default-deny-ingress", egress: "01-default-deny-egress" } as const;
