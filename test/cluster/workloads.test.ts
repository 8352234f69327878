import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../src/model/objects.ts";
import {
  cronJob,
  deployment,
  madeBy,
  NAMESPACE_CONTRACT,
  namespace as namespaceOf,
  pod,
  type PodTweak,
} from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { OWNERS } from "../helpers/owners.ts";
import type { KubectlResult } from "./harness/cluster.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, type LogLine, startDrawbridge } from "./harness/drawbridge.ts";

const GOOD = { "app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop" };
const RULE = "require-workload-labels";

/** A minimal one of each kind that the API server takes, named after its kind. */
const KINDS: Readonly<Record<string, (tweak: PodTweak) => KubernetesObject>> = {
  pods: pod,
  replicationcontrollers: (tweak) => selecting("v1", "ReplicationController", tweak, (labels) => labels),
  deployments: (tweak) => selecting("apps/v1", "Deployment", tweak),
  statefulsets: (tweak) => selecting("apps/v1", "StatefulSet", tweak),
  daemonsets: (tweak) => selecting("apps/v1", "DaemonSet", tweak),
  replicasets: (tweak) => selecting("apps/v1", "ReplicaSet", tweak),
  jobs: (tweak) => withPodSpec(madeBy("batch/v1", "Job", tweak), "/spec/template/spec"),
  cronjobs: (tweak) => withPodSpec(cronJob(tweak), "/spec/jobTemplate/spec/template/spec"),
};
const RESOURCES = Object.keys(KINDS);

/** A template must carry a label that its selector asks for. */
function selecting(
  apiVersion: string,
  kind: string,
  { labels = {}, ...tweak }: PodTweak,
  selector: (labels: object) => object = (matchLabels) => ({ matchLabels }),
): KubernetesObject {
  const own = { app: "web" };
  return madeBy(
    apiVersion,
    kind,
    { ...tweak, labels: { ...own, ...(labels as object) } },
    { replicas: kind === "DaemonSet" ? undefined : 0, selector: selector(own) },
  );
}

function withPodSpec(object: KubernetesObject, path: string): KubernetesObject {
  const copy = structuredClone(object);
  const spec = path
    .split("/")
    .slice(1)
    .reduce((here, step) => here[step] as Record<string, unknown>, copy as Record<string, unknown>);
  spec["restartPolicy"] = "Never";
  return copy;
}

describeCluster(
  "workloads and Namespaces on a real API server",
  (cluster) => {
    let drawbridge: Drawbridge;

    const kubectl = (args: readonly string[], object?: object): Promise<KubectlResult> =>
      cluster().kubectl(args, object === undefined ? {} : { input: JSON.stringify(object) });
    const into = (namespace: string, object: KubernetesObject, name = "web"): KubernetesObject => ({
      ...object,
      metadata: { ...object.metadata, namespace, name },
    });
    const create = async (object: KubernetesObject): Promise<void> => {
      expect(await kubectl(["create", "-f", "-"], object)).toMatchObject({ code: 0 });
    };
    const createNamespace = (name: string, labels: object) =>
      kubectl(["create", "-f", "-"], { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });

    /** How often the API server asked us about workloads, and how often it did not need to, by its own count. */
    const counted = async (): Promise<{ asked: number; notAsked: number }> => {
      const text = await cluster().ok(["get", "--raw", "/metrics"]);
      const sum = (metric: string): number =>
        text
          .split("\n")
          .filter((line) => line.startsWith(`${metric}{`) && line.includes('name="workloads.drawbridge.dev"'))
          .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
      return {
        asked: sum("apiserver_admission_webhook_request_total"),
        notAsked: sum("apiserver_admission_match_condition_exclusions_total"),
      };
    };
    /** What `act` added to that. */
    const countedDuring = async (act: () => Promise<unknown>): Promise<{ asked: number; notAsked: number }> => {
      const before = await counted();
      await act();
      const after = await counted();
      return { asked: after.asked - before.asked, notAsked: after.notAsked - before.notAsked };
    };
    const admissions = (of: LogLine): readonly LogLine[] =>
      drawbridge.log.filter((line) => Object.entries({ msg: "admission", ...of }).every(([k, v]) => line[k] === v));

    beforeAll(async () => {
      drawbridge = await startDrawbridge({ cluster: cluster() });
      await eventually(async () => expect((await createNamespace("restricted", NAMESPACE_CONTRACT)).code).toBe(0));
      await createNamespace("shop", NAMESPACE_CONTRACT);
      await createNamespace("watched", { ...NAMESPACE_CONTRACT, "drawbridge.dev/mode": "audit" });
      await cluster().ok(["label", "namespace", "restricted", "drawbridge.dev/ruleset=restricted"]);
      await eventually(async () => {
        const { stderr } = await kubectl(
          ["create", "--dry-run=server", "-f", "-"],
          into("restricted", pod({ labels: {} })),
        );
        expect(stderr).toContain("denied the request");
      });
    });
    afterAll(() => drawbridge?.stop());

    describe.each(RESOURCES)("%s", (resource) => {
      const build = KINDS[resource] ?? pod;
      const metadataPath = { pods: "metadata", cronjobs: "spec.jobTemplate.spec.template.metadata" }[resource];
      const said = `${RULE}: ${metadataPath ?? "spec.template.metadata"}.labels[app.kubernetes.io/part-of]: `;

      test("without the labels: refused, by dry run too, where that is enforced", async () => {
        const bad = into("restricted", build({ labels: {} }), "bad");
        for (const args of [["create"], ["create", "--dry-run=server"], ["apply", "--server-side"]]) {
          const { code, stderr } = await kubectl([...args, "-f", "-"], bad);
          expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`\n  ${said}`) });
          expect(stderr).toContain(`restricted/bad breaks 1 rule of ruleset restricted:`);
        }
      });

      test("without the labels: warned of, where that is what is done about it", async () => {
        const { code, stderr } = await kubectl(["create", "-f", "-"], into("shop", build({ labels: {} }), "bad"));
        expect({ code, stderr }).toEqual({
          code: 0,
          stderr: expect.stringContaining(`Warning: drawbridge: ${said}`),
        });
      });

      test("with them: nothing is said", async () => {
        const good = into("restricted", build({ labels: GOOD }));
        expect(await kubectl(["create", "-f", "-"], good)).toMatchObject({ code: 0, stderr: "" });
      });

      // The template of a Job never changes.
      if (resource === "jobs") return;
      test("may not lose them in an update", async () => {
        const path =
          resource === "pods" ? "/metadata" : `/${(metadataPath ?? "spec.template.metadata").replaceAll(".", "/")}`;
        const patch = [{ op: "remove", path: `${path}/labels/app.kubernetes.io~1part-of` }];
        const { code, stderr } = await kubectl([
          "patch",
          resource,
          "web",
          "-n",
          "restricted",
          "--type=json",
          "-p",
          JSON.stringify(patch),
        ]);
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(said) });
      });
    });

    test("hostNetwork is recorded by default, warned of where the ruleset is restricted", async () => {
      const host = pod({ hostNetwork: true });
      expect(await kubectl(["create", "-f", "-"], into("shop", host, "host"))).toMatchObject({ code: 0, stderr: "" });
      await eventually(() =>
        expect(admissions({ name: "host", namespace: "shop" })).toMatchObject([
          { verdict: "audited", rules: ["no-host-network=audit"] },
        ]),
      );
      const { code, stderr } = await kubectl(["create", "-f", "-"], into("restricted", host, "host"));
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringContaining("Warning: drawbridge: no-host-network: spec.hostNetwork: "),
      });
    });

    test("what happens in kube-system is not asked about", async () => {
      const bad = into("kube-system", pod({ labels: {} }), "system");
      const during = () => kubectl(["create", "--dry-run=server", "-f", "-"], bad);
      expect(await countedDuring(during)).toEqual({ asked: 0, notAsked: 0 });
    });

    describe("no call is made for", () => {
      test("a Pod that a workload has made, exactly where the model says so", async () => {
        const items = OWNERS.map(([, owners], i) =>
          into("shop", pod({ metadata: { ...(owners && { ownerReferences: owners }) } }), `owned-${i}`),
        );
        const list = { apiVersion: "v1", kind: "List", items };
        const result = await countedDuring(async () => {
          expect(await kubectl(["create", "--dry-run=server", "-f", "-"], list)).toMatchObject({ code: 0 });
        });
        const expected = OWNERS.flatMap(([, , isMade], i) => (isMade ? [] : [`owned-${i}`]));
        expect(result).toEqual({ asked: expected.length, notAsked: OWNERS.length - expected.length });
        await eventually(() => {
          const asked = drawbridge.log.map(({ name }) => String(name)).filter((name) => name.startsWith("owned-"));
          expect(asked).toEqual(expected);
        });
      });

      test("a scale, a status, an annotation, a label of the Deployment itself", async () => {
        await create(into("shop", KINDS["deployments"]?.({ labels: {} }) ?? {}, "scaled"));
        const on = (...args: readonly string[]) => cluster().ok([...args, "-n", "shop"]);
        const patch = (body: object, ...flags: readonly string[]) =>
          on("patch", "deployment", "scaled", "--type=merge", ...flags, "-p", JSON.stringify(body));
        const { asked } = await countedDuring(async () => {
          await on("scale", "deployment", "scaled", "--replicas=1");
          await patch({ spec: { replicas: 0 } });
          await patch({ status: { observedGeneration: 1 } }, "--subresource=status");
          await on("annotate", "deployment", "scaled", "seen=yes");
          await on("label", "deployment", "scaled", "seen=yes");
          await patch({ spec: { template: { spec: { containers: [{ name: "web", image: "x:2" }] } } } });
        });
        expect(asked).toBe(0);
        const relabel = { spec: { template: { metadata: { labels: { seen: "yes" } } } } };
        expect((await countedDuring(() => patch(relabel))).asked).toBe(1);
      });

      test("what the controllers make: a Deployment's ReplicaSet and Pods, a Job's Pods", async () => {
        const made = async (resource: string, name: string): Promise<number> =>
          (await cluster().ok(["get", resource, "-n", "watched", "-o", "name"]))
            .split("\n")
            .filter((line) => line.includes(`/${name}-`)).length;
        const parallel = withPodSpec(madeBy("batch/v1", "Job", {}, { parallelism: 3 }), "/spec/template/spec");
        const { asked } = await countedDuring(async () => {
          await create(into("watched", KINDS["deployments"]?.({ labels: {} }) ?? {}, "rolled"));
          await cluster().ok(["scale", "deployment", "rolled", "-n", "watched", "--replicas=5"]);
          await create(into("watched", parallel, "batch"));
          await eventually(async () => {
            expect([await made("replicasets", "rolled"), await made("pods", "rolled")]).toEqual([1, 5]);
            expect(await made("pods", "batch")).toBe(3);
          }, 20_000);
        });
        expect(asked).toBe(2);
        const seen = drawbridge.log.filter(({ namespace }) => namespace === "watched").map(({ kind }) => kind);
        expect(new Set(seen)).not.toContain("ReplicaSet");
        expect(seen.filter((kind) => kind === "Pod")).toEqual([]);
      });
    });

    describe("what was there before", () => {
      const OLD = "was-there";
      const patch = (body: object) =>
        kubectl(["patch", "deployment", OLD, "-n", "late", "--type=merge", "-p", JSON.stringify(body)]);
      const template = (labels: object) => ({ spec: { template: { metadata: { labels } } } });

      beforeAll(async () => {
        await createNamespace("late", NAMESPACE_CONTRACT);
        await create(into("late", KINDS["deployments"]?.({ labels: {} }) ?? {}, OLD));
        await create(into("late", pod({ labels: {} }), OLD));
        await cluster().ok(["label", "namespace", "late", "drawbridge.dev/ruleset=restricted"]);
        await eventually(async () => {
          const { stderr } = await kubectl(
            ["create", "--dry-run=server", "-f", "-"],
            into("late", pod({ labels: {} }), "x"),
          );
          expect(stderr).toContain("denied the request");
        });
      });

      test("may be scaled, and get another label, with a warning of those that it lacks", async () => {
        expect(await patch({ spec: { replicas: 0 } })).toMatchObject({ code: 0, stderr: "" });
        const { code, stderr } = await patch(template({ seen: "yes" }));
        expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`Warning: drawbridge: ${RULE}`) });
        expect(await kubectl(["label", "pod", OLD, "-n", "late", "seen=yes"])).toMatchObject({ code: 0 });
      });

      test("may be put right one by one, and not undone", async () => {
        const { code, stderr } = await patch(template({ "app.kubernetes.io/name": "web" }));
        expect(code).toBe(0);
        expect(stderr).toContain("part-of");
        expect(stderr).not.toContain("label app.kubernetes.io/name is missing");
        const undone = await patch(template({ "app.kubernetes.io/name": null }));
        expect(undone).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("label app.kubernetes.io/name is missing"),
        });
      });

      test("is set free of a ReplicaSet that is deleted without it", async () => {
        const [, ownerReferences] = OWNERS.find(([name]) => name === "a ReplicaSet") ?? [];
        // Held, as the garbage collector would look for an owner that is not there.
        const metadata = { ownerReferences, finalizers: ["example.com/hold"] } as KubernetesObject["metadata"];
        await create(into("late", pod({ labels: {}, ...(metadata && { metadata }) }), "orphan"));
        const free = '{"metadata":{"ownerReferences":null,"finalizers":null}}';
        expect(await kubectl(["patch", "pod", "orphan", "-n", "late", "--type=merge", "-p", free])).toMatchObject({
          code: 0,
        });
      });
    });

    describe("a Namespace", () => {
      const strict = { "drawbridge.dev/ruleset": "restricted" };
      const missing = (key: string) => `require-namespace-labels: metadata.labels.${key}: label ${key} is missing`;

      test("without the labels is warned of", async () => {
        const { code, stderr } = await createNamespace("unlabelled", {});
        expect(code).toBe(0);
        for (const key of Object.keys(NAMESPACE_CONTRACT))
          expect(stderr).toContain(`Warning: drawbridge: ${missing(key)}`);
      });

      test("without the labels is refused where that is enforced, by dry run too", async () => {
        const object = { ...namespaceOf({ ...strict, tenant: "web-team" }), metadata: { name: "no", labels: strict } };
        for (const flags of [[], ["--dry-run=server"]]) {
          const { code, stderr } = await kubectl(["create", ...flags, "-f", "-"], object);
          expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`\n  ${missing("tenant")}`) });
          expect(stderr).toContain("Namespace no breaks 1 rule of ruleset restricted:");
        }
      });

      test("with the labels is welcome, and may not lose one", async () => {
        expect(await createNamespace("welcome", { ...NAMESPACE_CONTRACT, ...strict })).toMatchObject({
          code: 0,
          stderr: "",
        });
        const { code, stderr } = await kubectl(["label", "namespace", "welcome", "tenant-"]);
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(missing("tenant")) });
        expect(await kubectl(["label", "namespace", "welcome", "tenant=", "--overwrite"])).toMatchObject({ code: 1 });
      });

      test("that was there without them may come under a stricter ruleset and get its baseline", async () => {
        expect(await kubectl(["label", "namespace", "unlabelled", "drawbridge.dev/ruleset=restricted"])).toMatchObject({
          code: 0,
          stderr: expect.stringContaining(`Warning: drawbridge: ${missing("environment")}`),
        });
        await cluster().ok(["label", "namespace", "unlabelled", "drawbridge.dev/baseline-pending=true"]);
        await eventually(async () => {
          const labels = await cluster().ok(["get", "namespace", "unlabelled", "-o", "jsonpath={.metadata.labels}"]);
          expect(labels).not.toContain("baseline-pending");
        });
      });
    });

    describe("a contract of the platform's own, and an exception to it", () => {
      beforeAll(async () => {
        const options = { labels: ["app", "environment"], values: { environment: ["dev", "prod"] } };
        await cluster().ok(["create", "-f", "-"], {
          input: JSON.stringify({
            apiVersion: "drawbridge.dev/v1alpha1",
            kind: "NetworkRuleset",
            metadata: { name: "own" },
            spec: { rules: { [RULE]: { mode: "enforce", options }, "require-namespace-labels": { mode: "disabled" } } },
          }),
        });
        await eventually(() =>
          expect(drawbridge.log).toContainEqual(expect.objectContaining({ msg: "configuration changed", name: "own" })),
        );
        await createNamespace("own", { "drawbridge.dev/ruleset": "own" });
      });
      const apply = (labels: object, name = "web") =>
        kubectl(["create", "--dry-run=server", "-f", "-"], into("own", pod({ labels }), name));
      const exception = (rule: string, name: string) =>
        kubectl(["create", "-f", "-"], {
          apiVersion: "drawbridge.dev/v1alpha1",
          kind: "NetworkException",
          metadata: { name, namespace: "own" },
          spec: {
            rules: [rule],
            workloads: { names: ["old-import"] },
            reason: "Its vendor sets no labels.",
            owner: "team-shop@example.com",
            expires: new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10),
          },
        });

      test("asks for other labels, and for values", async () => {
        expect(await apply({ app: "web", environment: "dev" })).toMatchObject({ code: 0, stderr: "" });
        expect((await apply(GOOD)).stderr).toContain("label app is missing");
        expect((await apply({ app: "web", environment: "test" })).stderr).toContain(
          "metadata.labels.environment: environment: test is not allowed. Fix: set it to one of dev, prod.",
        );
      });

      test("is excepted by a NetworkException, which is judged when it is written", async () => {
        expect((await apply({}, "old-import")).code).toBe(1);
        const { code, stderr } = await exception("require-policy-types", "not-allowed");
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: expect.stringContaining("ruleset own allows no exception to require-policy-types"),
        });
        expect(await exception(RULE, "vendor")).toMatchObject({ code: 0, stderr: "" });
        await eventually(async () => expect(await apply({}, "old-import")).toMatchObject({ code: 0, stderr: "" }));
        expect((await apply({}, "other")).code).toBe(1);
      });
    });

    test("nothing of all this failed", async () => {
      expect(await drawbridge.metrics()).not.toContain('verdict="failed"');
      const errors = (await cluster().ok(["get", "--raw", "/metrics"]))
        .split("\n")
        .filter((line) => /^apiserver_admission_match_condition_evaluation_errors_total\{.*drawbridge/.test(line));
      expect(errors).toEqual([]);
    });

    test("while no server answers, Pods and Deployments are admitted", async () => {
      await drawbridge.stop("SIGKILL");
      for (const object of [pod({ labels: {} }), deploymentOf({})]) {
        expect(await kubectl(["create", "-f", "-"], into("restricted", object, "outage"))).toMatchObject({
          code: 0,
          stderr: "",
        });
      }
    });
  },
  { controllerManager: true },
);

function deploymentOf(labels: object): KubernetesObject {
  return KINDS["deployments"]?.({ labels }) ?? deployment();
}
