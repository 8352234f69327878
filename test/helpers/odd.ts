import type { Unbound } from "../../src/rules/rule.ts";
import * as fc from "fast-check";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { WORKLOAD_KINDS } from "../../src/model/workload.ts";

/**
 * NetworkPolicies as nobody should write them: of the right shape here and there, and anything else in between. What a
 * CLI is fed, and what an admission webhook must survive.
 */
export function oddPolicies(): fc.Arbitrary<object> {
  return optional({ metadata: or(odd, oddMetadata), spec: or(odd, oddSpec) });
}

/** The same of Pods and of what makes them. Which kind they are is never odd: by that they are told apart. */
export function oddWorkloads(): fc.Arbitrary<KubernetesObject> {
  return fc.constantFrom(...WORKLOAD_KINDS).chain(({ group, kind, podPath }) => {
    const places = podPath.split("/").slice(1);
    const inTemplate = places.reduceRight<fc.Arbitrary<object>>(
      (inner, place) => optional({ [place]: or(odd, inner) }),
      optional({ metadata: or(odd, oddMetadata), spec: or(odd, optional({ hostNetwork: or(odd, fc.boolean()) })) }),
    );
    const metadata = or(odd, oddMetadata);
    const object = places.length === 0 ? inTemplate : fc.tuple(metadata, inTemplate).map(whole);
    return object.map((fields) => ({ ...fields, apiVersion: group === "" ? "v1" : `${group}/v1`, kind }));
  });
}

function whole([metadata, fields]: readonly [unknown, object]): object {
  return { metadata, ...fields };
}

/** The same of Namespaces. */
export function oddNamespaces(): fc.Arbitrary<KubernetesObject> {
  return optional({ metadata: or(odd, oddMetadata) }).map((fields) => ({
    ...fields,
    apiVersion: "v1",
    kind: "Namespace",
  }));
}

/** What an author may not, or that nothing is known of it. */
export function oddUnbound(): fc.Arbitrary<Unbound | undefined> {
  const labels = fc.subarray(["drawbridge.dev/ruleset", "drawbridge.dev/mode", "drawbridge.dev/baseline"]);
  return fc.option(fc.record({ labels, ruleset: word }), { nil: undefined });
}

/** What may be there beside a policy: what the API server calls, Services, other policies. */
export function oddAmong(): fc.Arbitrary<KubernetesObject[]> {
  const service = optional({ name: or(odd, fc.constant("web")), namespace: or(odd, fc.constant("shop")) });
  const clientConfig = or(odd, optional({ service: or(odd, service) }));
  const callers = fc.oneof(
    optional({ webhooks: list(optional({ clientConfig })) }).map(
      objectOf("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ),
    optional({ spec: or(odd, optional({ service: or(odd, service) })) }).map(
      objectOf("apiregistration.k8s.io/v1", "APIService"),
    ),
    optional({
      spec: optional({ conversion: or(odd, optional({ strategy: fc.constant("Webhook"), webhook: clientConfig })) }),
    }).map(objectOf("apiextensions.k8s.io/v1", "CustomResourceDefinition")),
  );
  const ports = list(optional({ port: or(odd, fc.constant(443)), targetPort: or(odd, fc.constantFrom(443, "https")) }));
  const called = optional({
    metadata: or(odd, oddMetadata),
    spec: or(odd, optional({ selector: or(odd, dictionary(or(odd, word))), ports })),
  }).map(objectOf("v1", "Service"));
  const policies = oddPolicies().map(objectOf("networking.k8s.io/v1", "NetworkPolicy"));
  const objects = fc.array(fc.oneof(callers, called, policies), { maxLength: 6 });
  // Of what is odd in one place or another hardly anything fits together.
  return fc.tuple(fc.constantFrom([], CALLED), objects).map((parts) => parts.flat());
}

/** A Service, and what makes the API server call it. */
const CALLED: readonly KubernetesObject[] = [
  objectOf("v1", "Service")({ spec: { selector: { app: "web" }, ports: [{ port: 443 }] } }),
  objectOf("apiregistration.k8s.io/v1", "APIService")({ spec: { service: { namespace: "shop", name: "web" } } }),
];

function objectOf(apiVersion: string, kind: string): (fields: object) => KubernetesObject {
  return (fields) => ({ metadata: { name: "web", namespace: "shop" }, ...fields, apiVersion, kind });
}

const key = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "", "a/b~c", "line\nbreak"),
  fc.constantFrom("kubernetes.io/metadata.name", "name", "version", "pod-template-hash", "drawbridge.dev/exposure"),
  fc.constantFrom("app", "tier", "job-name", "statefulset.kubernetes.io/pod-name", "app.kubernetes.io/name", "tenant"),
  fc.string(),
);

const word = fc.oneof(
  key,
  fc.constantFrom(
    "kube-system",
    "api",
    "public",
    "2026-02-31",
    "2026-02-28",
    "\u0000".repeat(60),
    "\u0085\u009b\u2028",
    "x".repeat(400),
  ),
);

/** Object.fromEntries makes even `__proto__` a key like any other, as JSON.parse does. */
function dictionary<T>(value: fc.Arbitrary<T>): fc.Arbitrary<object> {
  return fc.array(fc.tuple(key, value), { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
}

const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1e308, Number.MAX_SAFE_INTEGER, "", [], {}, [null], [[]], [{}]),
  word,
  dictionary(fc.jsonValue({ maxDepth: 1 })),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Mostly what is meant, sometimes anything. */
function or(anything: fc.Arbitrary<unknown>, meant: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: meant, weight: 8 }, { arbitrary: anything, weight: 1 });
}

function optional(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  return fc.record(fields, { requiredKeys: [] });
}

function list(item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return or(odd, fc.array(or(odd, item), { maxLength: 3 }));
}

const oddMetadata = optional({
  name: or(odd, fc.constant("web")),
  namespace: or(odd, fc.constant("shop")),
  labels: or(odd, dictionary(word)),
  ownerReferences: list(
    optional({
      controller: or(odd, fc.boolean()),
      apiVersion: or(odd, fc.constant("apps/v1")),
      kind: or(odd, fc.constant("ReplicaSet")),
    }),
  ),
  annotations: or(
    odd,
    fc.oneof(dictionary(or(odd, word)), optional({ description: word, owner: word, reviewed: word, expires: word })),
  ),
});

const operator = fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist", "in", "");

const oddSelector = or(
  odd,
  fc.oneof(
    {
      arbitrary: optional({
        matchLabels: or(odd, dictionary(or(odd, word))),
        matchExpressions: list(optional({ key: or(odd, key), operator: or(odd, operator), values: list(word) })),
      }),
      weight: 8,
    },
    { arbitrary: fc.constant({ matchLabels: { "kubernetes.io/metadata.name": "kube-system" } }), weight: 1 },
  ),
);

const cidr = fc.oneof(
  fc.constantFrom(
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/33",
    "10.0.0.0/8",
    "64:ff9b::/96",
    "::ffff:1.2.3.4/8",
    "foo",
    "/",
    "1:",
  ),
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => `${address}/${length}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, length]) => `${address}/${length}`),
);

const oddPeer = fc.oneof(
  optional({ podSelector: oddSelector, namespaceSelector: oddSelector }),
  optional({ ipBlock: or(odd, optional({ cidr: or(odd, cidr), except: list(cidr) })) }),
);

const oddPort = fc.oneof(
  {
    arbitrary: optional({
      protocol: or(odd, fc.constantFrom("TCP", "UDP", "SCTP", "T\nCP")),
      port: or(
        odd,
        fc.oneof(fc.nat(70_000), fc.constantFrom("http", "a-name-that-is-far-too-long-for-a-port"), fc.string()),
      ),
      endPort: or(odd, fc.nat(70_000)),
    }),
    weight: 8,
  },
  { arbitrary: fc.constant({ protocol: "UDP", port: 53 }), weight: 1 },
);

const oddSpec = optional({
  podSelector: oddSelector,
  policyTypes: list(fc.constantFrom("Ingress", "Egress", "ingress")),
  ingress: list(optional({ from: list(oddPeer), ports: list(oddPort) })),
  egress: list(optional({ to: list(oddPeer), ports: list(oddPort) })),
});
