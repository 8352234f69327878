import { issueCa, issueLeaf } from "../src/certs/issue.ts";
import type { Cluster } from "../test/cluster/harness/cluster.ts";
import { startDrawbridge } from "../test/cluster/harness/drawbridge.ts";
import { freePort } from "../test/cluster/harness/net.ts";
import { type Api, create, dryRunPath } from "./api.ts";
import { startChild } from "./child.ts";
import type { Counted, Question } from "./empty-webhook.ts";
import { sumOf } from "../test/helpers/metrics.ts";
import { ALLOWED_POLICY, REFUSED_POLICY } from "./policies.ts";
import { until } from "./until.ts";

export interface Scenario {
  readonly name: string;
  /** Registers its admission with the cluster. Resolves when that is in force. */
  admit(cluster: Cluster, api: Api): Promise<Admission>;
}

export interface Admission {
  isInForce(): Promise<boolean>;
  /** What it has done so far; undefined where nobody counts that. */
  counted(): Promise<Work | undefined>;
  stop(): Promise<void>;
  /** Text of its /metrics; of Drawbridge only. */
  readonly metrics?: () => Promise<string>;
}

/** Of a process that does nothing else. */
export interface Work {
  /** NetworkPolicies that it has let through. */
  readonly judged: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

export const NAMESPACE = "bench";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const IN_FORCE = { limitMs: 30_000, everyMs: 50 };

/** What NetworkPolicies are asked for in all of them. */
const POLICIES = {
  apiGroups: ["networking.k8s.io"],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE"],
  resources: ["networkpolicies"],
  scope: "Namespaced",
};

const noAdmission: Scenario = {
  name: "no admission",
  admit: async () => ({ isInForce: async () => true, counted: async () => undefined, stop: async () => {} }),
};

const admissionPolicy: Scenario = {
  name: "ValidatingAdmissionPolicy, 3 expressions",
  async admit(_cluster, api) {
    const name = "bench.drawbridge.dev";
    const header = (kind: string) => ({ apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name } });
    await create(api, `${ADMISSION}/validatingadmissionpolicies`, {
      ...header("ValidatingAdmissionPolicy"),
      spec: {
        failurePolicy: "Fail",
        matchConstraints: { resourceRules: [POLICIES] },
        validations: EXPRESSIONS.map((expression) => ({ expression })),
      },
    });
    await create(api, `${ADMISSION}/validatingadmissionpolicybindings`, {
      ...header("ValidatingAdmissionPolicyBinding"),
      spec: { policyName: name, validationActions: ["Deny"] },
    });
    await until("the ValidatingAdmissionPolicy is in force", () => isRefused(api), IN_FORCE);
    // The API server counts what such a policy refuses, not what it allows.
    return { isInForce: () => isRefused(api), counted: async () => undefined, stop: async () => {} };
  },
};

const EXPRESSIONS = [
  "has(object.spec.policyTypes) && object.spec.policyTypes.size() > 0",
  "!has(object.spec.egress) || object.spec.egress.all(clause, has(clause.to) && " +
    "clause.to.all(peer, !has(peer.ipBlock) || peer.ipBlock.cidr != '0.0.0.0/0'))",
  "has(object.metadata.annotations) && 'owner' in object.metadata.annotations && " +
    "object.metadata.annotations['owner'] != ''",
];

const emptyWebhook: Scenario = {
  name: "empty webhook on node:https",
  async admit(_cluster, api) {
    const [ca, port] = [await issueCa(new Date()), await freePort()];
    const leaf = await issueLeaf(ca, ["127.0.0.1"], new Date());
    const child = startChild<Question, Counted>("empty-webhook.ts");
    await child.ask({ serve: { leaf, port } });
    await create(api, `${ADMISSION}/validatingwebhookconfigurations`, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "empty" },
      webhooks: [
        {
          name: "empty.drawbridge.dev",
          admissionReviewVersions: ["v1"],
          sideEffects: "None",
          failurePolicy: "Fail",
          timeoutSeconds: 3,
          clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(ca.cert).toString("base64") },
          rules: [POLICIES],
        },
      ],
    });
    const isAsked = async () => {
      const before = (await child.ask({})).judged;
      await api.send("POST", dryRunPath(NAMESPACE), ALLOWED_POLICY);
      return (await child.ask({})).judged > before;
    };
    await until("the empty webhook is asked", isAsked, IN_FORCE);
    return { isInForce: isAsked, counted: () => child.ask({}), stop: () => child.stop() };
  },
};

const drawbridge: Scenario = {
  name: "Drawbridge",
  async admit(cluster, api) {
    const server = await startDrawbridge({ cluster, keepsLog: false });
    await until("Drawbridge is in force", () => isRefused(api), IN_FORCE);
    return {
      isInForce: () => isRefused(api),
      counted: async () => {
        const text = await server.metrics();
        const labels = { webhook: "validate", kind: "NetworkPolicy", operation: "CREATE", verdict: "allowed" };
        return {
          judged: sumOf(text, "drawbridge_admission_reviews_total", labels),
          cpuSeconds: sumOf(text, "process_cpu_seconds_total"),
          memoryBytes: sumOf(text, "process_resident_memory_bytes"),
        };
      },
      stop: async () => void (await server.stop()),
      metrics: () => server.metrics(),
    };
  },
};

export const SCENARIOS = { noAdmission, admissionPolicy, emptyWebhook, drawbridge } as const;

async function isRefused(api: Api): Promise<boolean> {
  const { status, text } = await api.send("POST", dryRunPath(NAMESPACE), REFUSED_POLICY);
  if (![201, 403, 422].includes(status)) throw new Error(`a request was answered by ${status}: ${text}`);
  return status !== 201;
}
