import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { SECRET_NAME } from "../../src/certs/secret.ts";
import { addServeCommand } from "../../src/commands/serve/command.ts";
import type { ServeOptions } from "../../src/commands/serve/options.ts";
import { settingsOf } from "../../src/commands/serve/settings.ts";
import { evaluate } from "../../src/engine/evaluate.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { policySubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { parseManifest } from "../../src/manifest/read.ts";
import { SYSTEM_NAMESPACES } from "../../src/model/names.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { createHealthApp } from "../../src/server/health.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";

const TOP = join(import.meta.dirname, "../..");
const DEPLOY = join(TOP, "deploy");

interface Port {
  readonly name: string;
  readonly port?: number;
  readonly targetPort?: string;
  readonly containerPort?: number;
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly Port[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}
interface Kustomization {
  readonly resources: readonly string[];
  readonly images: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
}
interface Spec {
  readonly replicas: number;
  readonly strategy: { readonly type: string };
  readonly selector: { readonly matchLabels: object };
  readonly template: {
    readonly metadata: { readonly labels: object };
    readonly spec: {
      readonly serviceAccountName: string;
      readonly terminationGracePeriodSeconds: number;
      readonly topologySpreadConstraints: readonly { readonly topologyKey: string; readonly labelSelector: object }[];
      readonly containers: readonly [Container];
    };
  };
}
type Manifest<S> = KubernetesObject & { readonly spec: S };

const documentsOf = (file: string): readonly unknown[] =>
  parseManifest(readFileSync(join(DEPLOY, file), "utf8"), file).map(({ value }) => value);
const [kustomization] = documentsOf("kustomization.yaml") as [Kustomization];
const objects = kustomization.resources.flatMap((file) => documentsOf(file)) as KubernetesObject[];

function only(kind: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind);
  expect(found.map(({ metadata }) => metadata?.name)).toHaveLength(1);
  return found[0] ?? {};
}

const deployment = only("Deployment") as Manifest<Spec>;
const pod = deployment.spec.template.spec;
const [container] = pod.containers;

/** The container's arguments, read by the very command that will run there. */
function optionsOf(args: readonly string[]): ServeOptions {
  const program = new Command().exitOverride();
  addServeCommand(program);
  let options: ServeOptions | undefined;
  program.commands[0]?.action((parsed: ServeOptions) => {
    options = parsed;
  });
  program.parse(args, { from: "user" });
  if (options === undefined) throw new Error("not the serve command");
  return options;
}

describe("kustomization.yaml", () => {
  test("names every manifest but the one that has to be filled in first", () => {
    const files = readdirSync(DEPLOY, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    const others = ["kustomization.yaml", "network-policy.yaml"];
    expect(kustomization.resources.toSorted()).toEqual(files.filter((file) => !others.includes(file)).toSorted());
  });

  test("names the image of the Deployment, in the version of the package", () => {
    const { version } = JSON.parse(readFileSync(join(TOP, "package.json"), "utf8")) as { version: string };
    expect(kustomization.images).toEqual([{ name: "drawbridge", newName: "drawbridge", newTag: version }]);
    expect(container.image).toBe(`drawbridge:${version}`);
  });
});

test("everything is in its namespace, which it leaves alone, or in none; but what it may see where the DNS is", () => {
  const clusterWide = ["Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"];
  const { name } = only("Namespace").metadata ?? {};
  expect(SYSTEM_NAMESPACES).toContain(name);
  const elsewhere = objects.filter(
    ({ kind = "", metadata }) => metadata?.namespace !== (clusterWide.includes(kind) ? undefined : name),
  );
  expect(elsewhere.map(({ kind, metadata }) => [kind, metadata?.namespace, metadata?.name])).toEqual([
    ["Role", "kube-system", "drawbridge-dns"],
    ["RoleBinding", "kube-system", "drawbridge-dns"],
  ]);
});

test("the mode is one line", () => {
  const lines = kustomization.resources
    .filter((file) => !file.startsWith("crds/"))
    .flatMap((file) => readFileSync(join(DEPLOY, file), "utf8").split("\n"))
    .filter((line) => /\b(audit|warn|enforce)\b/.test(line) && !line.trim().startsWith("#"));
  expect(lines.filter((line) => !line.includes("pod-security.kubernetes.io/"))).toEqual(["            - --mode=audit"]);
});

describe("the Deployment", () => {
  const options = optionsOf(container.args);
  const settings = settingsOf(options);

  test("runs serve in the cluster, in mode audit", () => {
    expect(options).toMatchObject({ inCluster: true, mode: "audit" });
    expect(container.args[0]).toBe("serve");
  });

  test("registers by the Service that leads to its Pods, on the ports that it listens on", () => {
    const service = only("Service") as Manifest<{ readonly selector: object; readonly ports: readonly [Port] }>;
    const [{ port, targetPort }] = service.spec.ports;
    const { name, namespace } = service.metadata ?? {};
    expect(settings.address).toEqual({ service: { name, namespace, port } });
    expect(deployment.spec.template.metadata.labels).toEqual(deployment.spec.selector.matchLabels);
    expect(service.spec.selector).toEqual(deployment.spec.selector.matchLabels);
    const ports = Object.fromEntries(container.ports.map((each) => [each.name, each.containerPort]));
    expect(ports).toEqual({ webhook: settings.port, health: options.healthPort });
    expect(targetPort).toBe("webhook");
    expect(settings.host).toBe("");
  });

  test("is probed where it answers", () => {
    const health = createHealthApp({
      readiness: () => ({ ready: true, checks: {}, configuration: [] }),
      metrics: () => createMetrics().registry,
    });
    const probes = [container.livenessProbe, container.readinessProbe].map(({ httpGet }) => httpGet);
    expect(probes).toEqual([
      { path: "/healthz", port: "health" },
      { path: "/readyz", port: "health" },
    ]);
    expect(probes.filter(({ path }) => !health.hasRoute({ method: "GET", url: path }))).toEqual([]);
  });

  test("always has a Pod that is ready, and calls find no other", () => {
    expect(deployment.spec).toMatchObject({
      replicas: 2,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
    });
    expect(only("Service")).not.toHaveProperty(["spec", "publishNotReadyAddresses"]);
    const { selector } = deployment.spec;
    expect(only("PodDisruptionBudget")).toMatchObject({ spec: { maxUnavailable: 1, selector } });
    const spread = pod.topologySpreadConstraints.map(({ topologyKey, labelSelector }) => [topologyKey, labelSelector]);
    expect(spread).toEqual([
      ["kubernetes.io/hostname", selector],
      ["topology.kubernetes.io/zone", selector],
    ]);
  });

  test("gives a Pod the time to end by itself", () => {
    // run.ts ends it by force 20 s after the draining.
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(settings.drainMs / 1000 + 20);
  });
});

describe("what it may do", () => {
  interface Role extends KubernetesObject {
    readonly rules: readonly {
      readonly resourceNames?: readonly string[];
      readonly apiGroups: readonly string[];
      readonly resources: readonly string[];
      readonly verbs: readonly string[];
    }[];
  }
  interface Binding extends KubernetesObject {
    readonly roleRef: { readonly kind: string; readonly name: string };
    readonly subjects: readonly object[];
  }

  const role = (kind: string, name: string) =>
    objects.find((object) => object.kind === kind && object.metadata?.name === name) as Role;

  test.each([
    ["ClusterRole", "drawbridge"],
    ["Role", "drawbridge"],
    ["Role", "drawbridge-dns"],
  ])("is bound to the Pod's service account: %s %s", (kind, name) => {
    const account = only("ServiceAccount").metadata ?? {};
    const binding = objects.find((one) => one.kind === `${kind}Binding` && one.metadata?.name === name) as Binding;
    const { roleRef, subjects, metadata } = binding;
    expect(pod.serviceAccountName).toBe(account.name);
    expect(metadata?.namespace).toBe(role(kind, name).metadata?.namespace);
    expect(roleRef).toMatchObject({ kind, name });
    expect(subjects).toEqual([{ kind: "ServiceAccount", name: account.name, namespace: account.namespace }]);
  });

  test("has no wildcard, no Secret but the one of its CA, and nothing that leads to more", () => {
    const rules = [...role("Role", "drawbridge").rules, ...role("Role", "drawbridge-dns").rules];
    const ofSecrets = rules.filter(({ resources }) => resources.includes("secrets"));
    expect(ofSecrets).toMatchObject([{ resources: ["secrets"], resourceNames: [SECRET_NAME] }]);
    const others = [...(only("ClusterRole") as Role).rules, ...rules.filter((rule) => !ofSecrets.includes(rule))];
    const words = others.flatMap((rule) => [rule.apiGroups, rule.resources, rule.verbs].flat());
    expect(words).not.toContain("*");
    expect(words.filter((word) => /secret|role|bind|escalate|impersonate|pods|token/.test(word))).toEqual([
      // Of an admission policy to what it is about.
      "mutatingadmissionpolicybindings",
      "validatingadmissionpolicybindings",
      "clusterroles",
    ]);
    const roles = (only("ClusterRole") as Role).rules.filter(({ resources }) => resources.includes("clusterroles"));
    expect(roles).toEqual([
      {
        apiGroups: ["rbac.authorization.k8s.io"],
        resources: ["clusterroles"],
        resourceNames: [only("ClusterRole").metadata?.name],
        verbs: ["get"],
      },
    ]);
  });
});

describe("network-policy.yaml", async () => {
  const { rulesets } = await readEmbeddedPolicies();
  const [policy] = documentsOf("network-policy.yaml") as [NetworkPolicy & { readonly spec: Spec }];

  test.each(["default", "restricted"])("passes every rule of the ruleset %s", (name) => {
    const document = rulesets.get(name);
    if (document === undefined) throw new Error(`there is no ruleset ${name}`);
    expect(evaluate(policySubject(policy, policy), resolveRuleset(document, rulesets), "enforce")).toEqual([]);
  });

  test("is about the Deployment's Pods and their ports", () => {
    expect(policy.metadata?.namespace).toBe(deployment.metadata?.namespace);
    expect(policy.spec).toMatchObject({
      podSelector: deployment.spec.selector,
      ingress: [{ ports: [{ port: 8443 }] }, { ports: [{ port: 8080 }] }],
    });
  });
});

test("what the documents say to apply is there", () => {
  const pages = ["README.md", "docs/install.md", "docs/serve.md", "docs/configuration.md"];
  const paths = pages.flatMap((page) =>
    [...readFileSync(join(TOP, page), "utf8").matchAll(/-[fk] (deploy[/\w.-]*)/g)].map(([, path]) => path ?? ""),
  );
  expect(paths).toContain("deploy");
  expect(paths.filter((path) => !existsSync(join(TOP, path)))).toEqual([]);
});
