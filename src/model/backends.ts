import { at, isRecord, items, text } from "./json.ts";
import { titleOf, type Labels } from "./objects.ts";
import { labelKeyProblem, labelValueProblem, portNameProblem } from "./syntax.ts";

/** A Service that the API server itself calls, at one of its ports: what is behind it must stay within its reach. */
export interface Backend {
  readonly namespace: string;
  readonly service: string;
  readonly servicePort: number;
  /** Sorted, each once: `ValidatingWebhookConfiguration cert-manager-webhook`. */
  readonly calledBy: readonly string[];
  readonly target: Target;
}

/**
 * Where the calls arrive. `pods`: at all Pods of the namespace with these labels, at these TCP ports of theirs, of which a
 * name is looked up at each Pod. `nothing`: no call can arrive now, so there is nothing to cut off. `unknown`: calls may
 * arrive at Pods of the namespace, and nothing tells at which.
 */
export type Target =
  | { readonly is: "pods"; readonly podLabels: Labels; readonly ports: readonly (number | string)[] }
  | { readonly is: "nothing" | "unknown"; readonly why: string };

/** One object that makes the API server call a Service. */
interface Call {
  readonly namespace: string;
  readonly service: string;
  readonly servicePort: number;
  readonly by: string;
}

/** Of https, which is what webhooks and APIServices speak. */
const DEFAULT_PORT = 443;

/**
 * What the API server calls, by webhook configurations, APIServices and the conversion webhooks of
 * CustomResourceDefinitions, and what is behind it by the Services. Objects may be of any kind and shape, in any order:
 * what says nothing is passed over. A webhook that is named by a URL is no Service's, and not among them.
 */
export function findBackends(objects: Iterable<unknown>): readonly Backend[] {
  const all = [...objects];
  const services = new Map(all.filter((object) => isKind(object, "", "Service")).map((one) => [keyOf(one), one]));
  return backendsOf(all, (namespace, name) => services.get(`${namespace}/${name}`));
}

/** The same where Services can be looked up, of which a cluster has far more than of what is called. */
export function backendsOf(
  callers: Iterable<unknown>,
  service: (namespace: string, name: string) => unknown,
): readonly Backend[] {
  const called = Map.groupBy([...callers].flatMap(callsOf), keyOfCall);
  const backends = [...called.values()].flatMap(([call, ...others]) => {
    if (call === undefined) return [];
    const { namespace, service: name, servicePort } = call;
    const calledBy = [...new Set([call, ...others].map(({ by }) => by))].toSorted();
    return [{ namespace, service: name, servicePort, calledBy, target: behind(service(namespace, name), servicePort) }];
  });
  return backends.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function keyOfCall({ namespace, service, servicePort }: Call): string {
  return `${namespace}/${service}:${servicePort}`;
}

/** Ports by their numbers. */
function orderOf({ namespace, service, servicePort }: Backend): string {
  return `${namespace}/${service}:${String(servicePort).padStart(5, "0")}`;
}

function keyOf(object: unknown): string {
  return `${text(at(object, "/metadata/namespace"))}/${text(at(object, "/metadata/name"))}`;
}

const WEBHOOK_KINDS = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];

function callsOf(object: unknown): Call[] {
  if (WEBHOOK_KINDS.some((kind) => isKind(object, "admissionregistration.k8s.io", kind))) {
    return items(at(object, "/webhooks")).flatMap((webhook) => callOf(object, at(webhook, "/clientConfig/service")));
  }
  if (isKind(object, "apiregistration.k8s.io", "APIService")) return callOf(object, at(object, "/spec/service"));
  if (!isKind(object, "apiextensions.k8s.io", "CustomResourceDefinition")) return [];
  const conversion = at(object, "/spec/conversion");
  // What is left of a webhook when the strategy has been changed is not called.
  return at(conversion, "/strategy") === "Webhook"
    ? callOf(object, at(conversion, "/webhook/clientConfig/service"))
    : [];
}

function callOf(caller: unknown, service: unknown): Call[] {
  if (!isRecord(service)) return [];
  const [namespace, name] = [text(service["namespace"]), text(service["name"])];
  const servicePort = validPort(service["port"] ?? DEFAULT_PORT);
  if (namespace === "" || name === "" || servicePort === undefined) return [];
  const by = titleOf({ kind: text(at(caller, "/kind")), name: text(at(caller, "/metadata/name")) });
  return [{ namespace, service: name, servicePort, by }];
}

function behind(service: unknown, servicePort: number): Target {
  if (!isRecord(service)) return { is: "nothing", why: "there is no such Service" };
  if (at(service, "/spec/type") === "ExternalName") {
    return { is: "nothing", why: "it is of type ExternalName, so it leads out of the namespace" };
  }
  const port = items(at(service, "/spec/ports")).find(
    (one) => at(one, "/port") === servicePort && (at(one, "/protocol") ?? "TCP") === "TCP",
  );
  // The API server finds none either.
  if (port === undefined) return { is: "nothing", why: `it has no TCP port ${servicePort}` };
  // 0 and the empty text are how an absent one is written in Go.
  const target = targetPortOf(at(port, "/targetPort") || servicePort);
  if (target === undefined) return { is: "unknown", why: `the target of its port ${servicePort} is not a port` };
  const podLabels = selectorOf(at(service, "/spec/selector"));
  if (podLabels === undefined) return { is: "unknown", why: "its selector cannot be read" };
  if (Object.keys(podLabels).length === 0) return { is: "unknown", why: "it selects no Pods by their labels" };
  return { is: "pods", podLabels, ports: [target] };
}

function targetPortOf(raw: unknown): number | string | undefined {
  if (typeof raw === "string") return portNameProblem(raw) === undefined ? raw : undefined;
  return validPort(raw);
}

function validPort(raw: unknown): number | undefined {
  return typeof raw === "number" && Number.isInteger(raw) && raw >= 1 && raw <= 65_535 ? raw : undefined;
}

/** None of its labels may be left out: each that is makes it select more. */
function selectorOf(raw: unknown): Labels | undefined {
  if (raw === undefined || raw === null) return {};
  if (!isRecord(raw)) return undefined;
  const labels = Object.entries(raw).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const isValid = labels.every(
    ([key, value]) => labelKeyProblem(key) === undefined && labelValueProblem(value) === undefined,
  );
  return isValid && labels.length === Object.keys(raw).length ? Object.fromEntries(labels) : undefined;
}

/** Of any version of its group. */
function isKind(object: unknown, group: string, kind: string): boolean {
  if (!isRecord(object) || object["kind"] !== kind) return false;
  const [first = "", version] = text(object["apiVersion"]).split("/", 2);
  return (version === undefined ? "" : first) === group;
}
