import { beforeAll, describe, expect, test } from "vitest";
import { paths } from "../../src/cluster/paths.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { NAMESPACE_CONTRACT, networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { serve } from "./harness/served.ts";
import { BASELINE_NAMES, createNamespace, MARKER, stateOf } from "./harness/storm.ts";

const [DENY = ""] = BASELINE_NAMES;
const KEPT = `NetworkPolicy NAMESPACE/${DENY} is part of NetworkBaseline default: only Drawbridge changes or deletes it.`;
const IN_PROCESS = "ValidatingAdmissionPolicy 'drawbridge-baseline'";

describeCluster(
  "what is kept from others, on a real API server",
  (cluster) => {
    const served = serve(cluster);
    beforeAll(async () => {
      await finished("first");
      await eventually(async () => expect((await tenant(deletion("first"))).stderr).toContain(IN_PROCESS));
    });

    const tenant = (args: readonly string[], object?: object) =>
      cluster().kubectl(args, { as: "tenant", ...(object && { input: JSON.stringify(object) }) });
    const finished = async (name: string): Promise<void> => {
      await createNamespace(served.client, name);
      await eventually(async () =>
        expect(await stateOf(served.client, name)).toMatchObject({ isPending: false, policies: BASELINE_NAMES }),
      );
    };
    const deletion = (namespace: string) => ["delete", "networkpolicy", DENY, "-n", namespace];
    const edit = (namespace: string) => {
      const spec = { ingress: [{ from: [{ podSelector: { matchLabels: { app: "x" } } }], ports: [{ port: 80 }] }] };
      return ["patch", "networkpolicy", DENY, "-n", namespace, "--type=merge", "-p", JSON.stringify({ spec })];
    };
    const own = (namespace: string, labels: object = {}) => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "mine", namespace, labels, annotations: { description: "d", owner: "o" } },
      spec: { podSelector: { matchLabels: { "app.kubernetes.io/name": "web" } }, policyTypes: ["Ingress"] },
    });
    const FORGED = { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "default" };
    const setInProcess = async (isOn: boolean, name = "drawbridge-baseline"): Promise<void> => {
      if (isOn) {
        await served.drawbridge.stop("SIGKILL");
        await served.start();
      } else await cluster().ok(["delete", "validatingadmissionpolicybinding", name]);
    };

    /** The whole of it, wherever it is decided. */
    const expectKept = async (namespace: string, by: string): Promise<void> => {
      const kept = KEPT.replace("NAMESPACE", namespace);
      const before = await stateOf(served.client, namespace);
      for (const args of [
        edit(namespace),
        deletion(namespace),
        // What is no longer of a baseline afterwards was before.
        ["label", "networkpolicy", DENY, "-n", namespace, "app.kubernetes.io/managed-by-", "drawbridge.dev/baseline-"],
        ["delete", "networkpolicy", "--all", "-n", namespace],
        // A DELETECOLLECTION, in which the request names no policy.
        ["delete", "--raw", `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`],
      ]) {
        const { code, stderr } = await tenant(args);
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: expect.stringContaining("is part of NetworkBaseline default"),
        });
        expect(stderr).toContain(by);
        if (args.includes(DENY)) expect(stderr).toContain(kept);
        expect(stderr).toContain("To change what namespaces get, change the NetworkBaseline.");
      }
      const forged = await tenant(["create", "-f", "-"], own(namespace, FORGED));
      expect(forged).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("only Drawbridge writes policies with"),
      });
      expect(await stateOf(served.client, namespace)).toEqual(before);
    };
    const expectFree = async (namespace: string): Promise<void> => {
      expect(await tenant(["create", "-f", "-"], own(namespace))).toMatchObject({ code: 0 });
      const mine = ["networkpolicy", "mine", "-n", namespace];
      expect(await tenant(["label", ...mine, "a=b"])).toMatchObject({ code: 0 });
      expect(await tenant(["delete", ...mine])).toMatchObject({ code: 0 });
      // As Argo CD and others do.
      const annotated = [
        "annotate",
        "networkpolicy",
        DENY,
        "-n",
        namespace,
        "argocd.argoproj.io/tracking-id=x",
        "--overwrite",
      ];
      expect(await tenant(annotated)).toMatchObject({ code: 0 });
    };

    /** By Drawbridge's own user: as kubectl deletes, and as it itself does. */
    const expectOwn = async (namespace: string, by: string): Promise<void> => {
      const path = paths.networkPolicies(namespace, DENY);
      const { metadata } = await served.client.get<NetworkPolicy>(path);
      const { uid = "", resourceVersion = "" } = metadata ?? {};
      await expect(served.client.delete(path, { uid, dryRun: true })).rejects.toThrow(by);
      await served.client.delete(path, { uid, resourceVersion, dryRun: true });
    };

    test("policies in a namespace of the system are anybody's", async () => {
      const mine = ["networkpolicy", "mine", "-n", "kube-system"];
      await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(own("kube-system", FORGED)) });
      await cluster().ok(["label", ...mine, "drawbridge.dev/baseline-"]);
      await cluster().ok(["delete", ...mine]);
    });

    test("others can neither edit nor delete a baseline's policies, nor pass theirs off as such", async () => {
      await finished("kept");
      await expectKept("kept", IN_PROCESS);
      await expectOwn("kept", IN_PROCESS);
      await expectFree("kept");
    });

    test("where it is not decided in process, the webhook does", async () => {
      await finished("webhook");
      await setInProcess(false);
      try {
        await eventually(async () => expect((await tenant(deletion("webhook"))).stderr).toContain("admission webhook"));
        await expectKept("webhook", "admission webhook");
        await expectOwn("webhook", "admission webhook");
        await expectFree("webhook");
      } finally {
        await setInProcess(true);
      }
      await eventually(async () => expect((await tenant(deletion("webhook"))).stderr).toContain(IN_PROCESS));
    });

    test("a policy is anybody's again where the namespace is not governed any more", async () => {
      await finished("released");
      await cluster().ok(["label", "namespace", "released", "drawbridge.dev/mode=audit"]);
      await eventually(async () => expect(await tenant(deletion("released"))).toMatchObject({ code: 0 }));
    });

    test("what one has given that is not valid when a server starts is kept until that is mended", async () => {
      const broken = { ...FORGED, "drawbridge.dev/baseline": "broken" };
      await createNamespace(served.client, "mended", { "drawbridge.dev/mode": "audit" });
      await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(own("mended", broken)) });
      await cluster().ok(["label", "namespace", "mended", "drawbridge.dev/mode-"]);
      await served.drawbridge.stop("SIGKILL");
      const document = networkBaseline("broken", { newSince: "2026-02-31T00:00:00Z" });
      await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(document) });
      await served.start();
      const remove = () => tenant(["delete", "networkpolicy", "mine", "-n", "mended"]);
      const kept =
        "NetworkPolicy mended/mine is part of NetworkBaseline broken: only Drawbridge changes or deletes it.";
      await eventually(async () => {
        const { stderr } = await tenant(["delete", "networkpolicy", "mine", "-n", "mended", "--dry-run=server"]);
        expect(stderr).toContain(IN_PROCESS);
        expect(stderr).toContain(kept);
      });
      await cluster().ok(["delete", "networkbaseline", "broken"]);
      // It may be about to be replaced, and holds its place for 15 s.
      await eventually(async () => expect(await remove()).toMatchObject({ code: 0 }), 45_000);
    }, 90_000);

    test("during an outage nothing opens, and what the server is not needed for goes on", async () => {
      await finished("outage");
      await createNamespace(served.client, "blocked", { [MARKER]: "true", "drawbridge.dev/baseline": "no-such" });
      await served.drawbridge.stop("SIGKILL");
      try {
        for (const args of [edit("outage"), deletion("outage")]) {
          expect(await tenant(args)).toMatchObject({ code: 1, stderr: expect.stringContaining(IN_PROCESS) });
        }
        await createNamespace(served.client, "unfinished");
        expect(await stateOf(served.client, "unfinished")).toMatchObject({ isPending: true });
        // Dropped by a PUT or by hand, it is put back; by way of a subresource, where nothing is, it is refused.
        const manifest = {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: "unfinished", labels: NAMESPACE_CONTRACT },
        };
        await cluster().ok(["replace", "-f", "-"], { as: "platform", input: JSON.stringify(manifest) });
        await cluster().ok(["label", "namespace", "unfinished", `${MARKER}-`]);
        expect(await stateOf(served.client, "unfinished")).toMatchObject({ isPending: true });
        const status = ["replace", "--raw", "/api/v1/namespaces/unfinished/status", "-f", "-"];
        expect(await cluster().kubectl(status, { input: JSON.stringify(manifest) })).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("only Drawbridge removes the label"),
        });
        // And so it is of an update where nothing puts it back.
        await cluster().ok(["delete", "mutatingadmissionpolicybinding", "drawbridge-stamp"]);
        await eventually(async () =>
          expect(await cluster().kubectl(["label", "namespace", "unfinished", `${MARKER}-`])).toMatchObject({
            code: 1,
            stderr: expect.stringContaining("only Drawbridge removes the label"),
          }),
        );
        await cluster().ok(["delete", "namespace", "outage", "--timeout=20s"]);
      } finally {
        await served.start();
      }
      await eventually(async () =>
        expect(await stateOf(served.client, "unfinished")).toMatchObject({
          isPending: false,
          policies: BASELINE_NAMES,
        }),
      );
    });

    const denials = async (): Promise<number> =>
      (await cluster().ok(["get", "--raw", "/metrics"]))
        .split("\n")
        .filter((line) => line.startsWith("apiserver_validating_admission_policy_check_total{"))
        .filter((line) => line.includes('enforcement_action="deny"') && line.includes('policy="drawbridge-baseline"'))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);

    describe("a namespace that is deleted goes, by the work of the real controllers", () => {
      const goes = async (name: string): Promise<void> => {
        await cluster().ok(["delete", "namespace", name, "--timeout=20s"]);
        expect(await cluster().kubectl(["get", "namespace", name])).toMatchObject({ code: 1 });
      };

      test("when it is finished", async () => {
        await finished("gone");
        await goes("gone");
      });

      test("when it is not", async () => {
        await createNamespace(served.client, "stuck", { [MARKER]: "true", "drawbridge.dev/mode": "audit" });
        await goes("stuck");
      });

      test("where only the webhook decides", async () => {
        await finished("gone-by-webhook");
        await setInProcess(false);
        await eventually(async () =>
          expect((await tenant(deletion("gone-by-webhook"))).stderr).toContain("admission webhook"),
        );
        await goes("gone-by-webhook");
        await setInProcess(true);
      });

      test("but what belongs to something that is deleted does not go with it: the collector is no way around", async () => {
        await finished("owned");
        const { stdout } = await tenant([
          "create",
          "configmap",
          "owner",
          "-n",
          "owned",
          "-o",
          "jsonpath={.metadata.uid}",
        ]);
        const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: stdout }];
        const metadata = JSON.stringify({ metadata: { ownerReferences } });
        await tenant(["patch", "networkpolicy", DENY, "-n", "owned", "--type=merge", "-p", metadata]);
        const before = await denials();
        await tenant(["delete", "configmap", "owner", "-n", "owned"]);
        await eventually(async () => expect(await denials()).toBeGreaterThan(before));
        expect(await stateOf(served.client, "owned")).toMatchObject({ policies: BASELINE_NAMES });
      });
    });

    describe("governing labels are for those who may bind the ruleset that is named afterwards", () => {
      const LABELS = "drawbridge-labels";
      const BY_LABELS = `namespaces "bound" is forbidden: ValidatingAdmissionPolicy '${LABELS}' with binding '${LABELS}' denied request: `;
      const BY_WEBHOOK = 'admission webhook "namespaces.drawbridge.dev" denied the request: ';
      const MODE = "drawbridge.dev/mode";
      const FIX = (ruleset: string) => `or get the verb bind on NetworkRuleset ${ruleset} by RBAC.`;
      const TENANT = ["--as=tom", "--as-group=tenants"];
      const BINDER = [...TENANT, "--as-group=binders"];
      const setOn = (namespace: string, who: readonly string[], ...labels: readonly string[]) =>
        cluster().kubectl([...who, "label", "namespace", namespace, ...labels, "--overwrite"]);
      const set = (who: readonly string[], ...labels: readonly string[]) => setOn("bound", who, ...labels);
      const create = (who: readonly string[]) => {
        const metadata = { name: "born", labels: { ...NAMESPACE_CONTRACT, "drawbridge.dev/ruleset": "restricted" } };
        const born = { apiVersion: "v1", kind: "Namespace", metadata };
        return cluster().kubectl([...who, "create", "--dry-run=server", "-f", "-"], { input: JSON.stringify(born) });
      };
      const grant = async (group: string, rule: object): Promise<void> => {
        // kubectl's own `create clusterrole` does not know the verb bind on kinds of others.
        const kind = "ClusterRole";
        const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata: { name: group }, rules: [rule] };
        await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(role) });
        await cluster().ok(["create", "clusterrolebinding", group, `--clusterrole=${group}`, `--group=${group}`]);
      };
      beforeAll(async () => {
        await grant("tenants", { apiGroups: [""], resources: ["namespaces"], verbs: ["create", "update", "patch"] });
        await grant("binders", {
          apiGroups: ["drawbridge.dev"],
          resources: ["networkrulesets"],
          resourceNames: ["default"],
          verbs: ["bind"],
        });
        await createNamespace(served.client, "bound");
        await eventually(async () => expect(await set(BINDER, `${MODE}=enforce`)).toMatchObject({ code: 0 }));
      });

      /** The whole of it, wherever it is decided. */
      const expectBound = async (refusal: string): Promise<void> => {
        expect(await set(TENANT, "team=x", `${MARKER}=true`)).toMatchObject({ code: 0 });
        const refused = await set(TENANT, `${MODE}=audit`);
        expect(refused).toMatchObject({ code: 1, stderr: `Error from server (Forbidden): ${refusal}\n` });
        expect(await set(TENANT, `${MODE}-`)).toMatchObject({ code: 1, stderr: refused.stderr });
        const restricted = await set(BINDER, "drawbridge.dev/ruleset=restricted");
        expect(restricted).toMatchObject({ code: 1, stderr: expect.stringContaining(FIX("restricted")) });
        expect(await create(BINDER)).toMatchObject({ code: 1, stderr: expect.stringContaining(FIX("restricted")) });
        expect(await create([])).toMatchObject({ code: 0 });
        expect(await set(BINDER, `${MODE}=audit`)).toMatchObject({ code: 0 });
        // It was lowered by somebody who may; whoever raises it needs the same right.
        expect(await set(TENANT, `${MODE}=enforce`)).toMatchObject({ code: 1 });
        expect(await set(BINDER, `${MODE}=enforce`, "team=y")).toMatchObject({ code: 0 });
      };
      test("but those of a namespace of the system are not looked at", async () => {
        expect(await set(TENANT, `${MODE}=audit`)).toMatchObject({ code: 1 });
        expect(await setOn("kube-system", TENANT, `${MODE}=audit`)).toMatchObject({ code: 0 });
        expect(await setOn("kube-system", TENANT, `${MODE}-`)).toMatchObject({ code: 0 });
      });

      const ONLY = `Namespace bound breaks rule no-unbound-label: only who may bind the ruleset may set, change or remove ${MODE}. Fix: leave that as it is, ${FIX("default")}`;

      test("in the API server itself", () => expectBound(BY_LABELS + ONLY));

      test("so also while no server runs", async () => {
        await served.drawbridge.stop("SIGKILL");
        try {
          await expectBound(BY_LABELS + ONLY);
        } finally {
          await served.start();
        }
      });

      test("by way of a subresource too, and of several at once", async () => {
        const resources = "--resource=namespaces/status,namespaces/finalize";
        await cluster().ok(["create", "clusterrole", "edit-status", "--verb=update", resources]);
        await cluster().ok(["create", "clusterrolebinding", "edit-status", "--clusterrole=edit-status", "--user=tom"]);
        const labels = { ...NAMESPACE_CONTRACT, [MODE]: "audit", "drawbridge.dev/baseline": "x" };
        const input = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bound", labels } });
        for (const subresource of ["status", "finalize"]) {
          const path = `/api/v1/namespaces/bound/${subresource}`;
          const replaced = () => cluster().kubectl([...TENANT, "replace", "--raw", path, "-f", "-"], { input });
          await eventually(async () =>
            expect(await replaced()).toMatchObject({
              code: 1,
              stderr: expect.stringContaining(`remove ${MODE}, drawbridge.dev/baseline. Fix:`),
            }),
          );
        }
      });

      test("where that does not decide, the webhook does", async () => {
        await setInProcess(false, LABELS);
        try {
          await eventually(async () =>
            expect((await set(TENANT, `${MODE}=audit`)).stderr).toContain("admission webhook"),
          );
          await expectBound(
            `${BY_WEBHOOK}Namespace bound breaks 1 rule of ruleset default:\n  no-unbound-label: metadata.labels[${MODE}]: ` +
              `${MODE} is for those to set, change or remove who may bind the ruleset. Fix: leave the label as it is, ${FIX("default")}`,
          );
        } finally {
          await setInProcess(true);
        }
      });
    });
  },
  { controllerManager: true },
);
