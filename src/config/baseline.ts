import { type Static, Type } from "typebox";
import { customResource } from "./resource.ts";
import { labelSelector } from "./selector.ts";

/** The policies that a baseline can inject. Those with numbers have the numbers that people give them. */
export const TEMPLATES = [
  "00-default-deny-ingress",
  "01-default-deny-egress",
  "10-allow-dns-egress",
  "20-allow-ingress-controller",
  "30-allow-observability",
  "allow-apiserver-egress",
  "allow-same-namespace",
] as const;

export type TemplateName = (typeof TEMPLATES)[number];

/** What is done with namespaces that were there before a baseline. */
export const EXISTING = ["ignore", "audit", "adopt"] as const;

/** How far a baseline goes. */
export const STAGES = ["ingress", "egress"] as const;

/** What becomes of policies in namespaces that are no longer governed. */
export const ON_RELEASE = ["keep", "remove"] as const;

/** How a structural schema says it; what it may be beyond that is checked in baseline-problems.ts. */
export const INT_OR_STRING = "x-kubernetes-int-or-string";

/** As Kubernetes takes it. */
const NAMESPACE_NAME = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";

const strict = { additionalProperties: false };

const pods = (description: string) =>
  Type.Array(
    Type.Object(
      {
        namespace: Type.String({ pattern: NAMESPACE_NAME, description: "Where they are." }),
        labels: Type.Record(
          Type.String(),
          Type.String({ pattern: "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$" }),
          {
            minProperties: 1,
            description: "What all of them carry.",
          },
        ),
      },
      strict,
    ),
    { minItems: 1, description },
  );

const addresses = (description: string) => Type.Array(Type.String(), { minItems: 1, description });

const portNumber = (description?: string) =>
  Type.Integer({ minimum: 1, maximum: 65_535, ...(description !== undefined && { description }) });

const portNumbers = (description: string) => Type.Array(portNumber(), { minItems: 1, description });

/** What runs in the cluster and is somebody else's than the namespaces that are governed. */
const peers = {
  pods: Type.Optional(pods("Its Pods.")),
  addresses: Type.Optional(
    addresses("What of it is on the network of a node, or outside of the cluster: addresses, or ranges of them."),
  ),
};

const NetworkPlatformSchema = Type.Object(
  {
    ingressController: Type.Optional(
      Type.Object(peers, { ...strict, description: "What brings requests in, for 20-allow-ingress-controller." }),
    ),
    prometheus: Type.Optional(
      Type.Object(peers, { ...strict, description: "What scrapes metrics, for 30-allow-observability." }),
    ),
    collector: Type.Optional(
      Type.Object(
        {
          ...peers,
          ports: Type.Optional(portNumbers("Where it listens, over TCP: ports of its Pods. Default 4317 and 4318.")),
        },
        { ...strict, description: "What takes traces, metrics and logs, for 30-allow-observability." },
      ),
    ),
    apiServer: Type.Optional(
      Type.Object(
        {
          addresses: Type.Optional(
            addresses("Where it answers, for allow-apiserver-egress: single addresses. Without it that is found."),
          ),
          ports: Type.Optional(portNumbers("Where it listens there, over TCP.")),
          callers: Type.Optional(
            Type.Object(peers, {
              ...strict,
              description:
                "Where its calls to webhooks and APIServices come from, as Pods see it: its own addresses, those of nodes, or agents. Without it they may come from anywhere, since nothing in a cluster tells.",
            }),
          ),
        },
        { ...strict, description: "The API server, as what is reached and as what calls." },
      ),
    ),
  },
  { ...strict, description: "What templates let in or out, named once." },
);

export const NetworkBaselineSchema = customResource(
  "NetworkBaseline",
  Type.Object(
    {
      description: Type.Optional(Type.String({ description: "What these policies are for." })),
      namespaceSelector: labelSelector("Which namespaces get these policies; {} is all but the system's."),
      excludedNamespaces: Type.Optional(
        Type.Array(Type.String({ pattern: NAMESPACE_NAME }), {
          minItems: 1,
          description: "Namespaces that the selector does not select, by name.",
        }),
      ),
      existingNamespaces: Type.Optional(
        Type.Enum([...EXISTING], {
          description:
            "What to do with namespaces that were there before: nothing (ignore), report what they would get (audit), or give it to them, some at a time (adopt). Default audit.",
        }),
      ),
      newSince: Type.Optional(
        Type.String({
          pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$",
          description:
            "Namespaces that were created at this time (2027-01-31T18:00:00Z, UTC) or later are new. Without it, those that were created since Drawbridge enforces this baseline.",
        }),
      ),
      stage: Type.Optional(
        Type.Enum([...STAGES], {
          description:
            "How far it goes for now: ingress gives nothing that has to do with egress, egress gives everything. Default egress.",
        }),
      ),
      rollout: Type.Optional(
        Type.Object(
          {
            atOnce: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 100,
                description: "Namespaces that are being changed at the same time. Default 8.",
              }),
            ),
            pauseSeconds: Type.Optional(
              Type.Integer({
                minimum: 0,
                maximum: 86_400,
                description: "How long a namespace counts as being changed after it has been. Default 0.",
              }),
            ),
            maxFailures: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 1_000,
                description: "Where so many namespaces fail no other one is begun. Default 3.",
              }),
            ),
            paused: Type.Optional(Type.Boolean({ description: "No other namespace is begun. Default false." })),
          },
          {
            ...strict,
            description: "How a change of this document, or adoption, comes to the namespaces that are there.",
          },
        ),
      ),
      onRelease: Type.Optional(
        Type.Enum([...ON_RELEASE], {
          description:
            "What becomes of its policies in namespaces that no NetworkBaseline governs any longer: they stay (keep), or those that are as Drawbridge left them are deleted (remove). Default keep.",
        }),
      ),
      dns: Type.Optional(
        Type.Object(
          {
            pods: Type.Optional(pods("Pods that answer.")),
            addresses: Type.Optional(
              addresses("What answers on the network of a node, or outside of the cluster: single addresses."),
            ),
            port: Type.Optional(portNumber("Where they listen: the port of the Pod, not of a Service. Default 53.")),
          },
          {
            ...strict,
            description:
              "Where the cluster's DNS answers, over UDP and TCP, for 10-allow-dns-egress. Without it Drawbridge finds that by itself.",
          },
        ),
      ),
      platform: Type.Optional(NetworkPlatformSchema),
      templates: Type.Array(
        Type.Object(
          {
            name: Type.Enum([...TEMPLATES], {
              description: "Which policy; its name in the namespace is drawbridge-NAME.",
            }),
            ports: Type.Optional(
              Type.Array(
                Type.Unsafe<number | string>({
                  [INT_OR_STRING]: true,
                  description: "A number, or the name that a Pod gives to its port.",
                }),
                {
                  minItems: 1,
                  description:
                    "TCP ports of the Pods of such a namespace: where 20-allow-ingress-controller lets requests in and 30-allow-observability scrapes, to which allow-same-namespace is confined. The others take none.",
                },
              ),
            ),
          },
          strict,
        ),
        {
          minItems: 1,
          uniqueItems: true,
          description: "The policies that every such namespace gets, allows applied before denies.",
        },
      ),
    },
    strict,
  ),
);

export type NetworkBaseline = Static<typeof NetworkBaselineSchema>;

export type BaselineSpec = NetworkBaseline["spec"];

export type NetworkPlatform = NonNullable<BaselineSpec["platform"]>;

export const ROLLOUT_DEFAULTS = { atOnce: 8, pauseSeconds: 0, maxFailures: 3, paused: false } as const;

export type RolloutSettings = Required<NonNullable<BaselineSpec["rollout"]>>;

export function rolloutOf({ rollout }: BaselineSpec): RolloutSettings {
  return { ...ROLLOUT_DEFAULTS, ...rollout };
}
