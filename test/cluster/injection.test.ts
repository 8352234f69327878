import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NAMESPACE_CONTRACT } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";

interface Policy {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: object;
    readonly annotations: object;
  };
  readonly spec: object;
}

const MARKER = "drawbridge.dev/baseline-pending";
/** What the shipped ruleset asks of every namespace. */
const NAMES = [
  "drawbridge-00-default-deny-ingress",
  "drawbridge-01-default-deny-egress",
  "drawbridge-10-allow-dns-egress",
];

describeCluster(
  "injection on a real API server",
  (cluster) => {
    let drawbridge: Drawbridge;
    const restart = async (): Promise<void> => {
      await drawbridge?.stop();
      drawbridge = await startDrawbridge({ cluster: cluster() });
    };
    beforeAll(restart);
    afterAll(() => drawbridge?.stop());

    const createNamespace = (name: string, labels: object = {}) =>
      cluster().kubectl(["create", "-f", "-"], { as: "platform", input: JSON.stringify(namespace(name, labels)) });
    const namespace = (name: string, labels: object = {}) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels: { ...NAMESPACE_CONTRACT, ...labels } },
    });
    const mode = (name: string, to: string, ...labels: readonly string[]) =>
      cluster().ok(["label", "namespace", name, `drawbridge.dev/mode=${to}`, ...labels, "--overwrite"]);
    const labelsOf = async (name: string): Promise<Record<string, string>> =>
      JSON.parse(await cluster().ok(["get", "namespace", name, "-o", "jsonpath={.metadata.labels}"])) as Record<
        string,
        string
      >;
    const policiesIn = async (name: string): Promise<readonly Policy[]> =>
      (JSON.parse(await cluster().ok(["get", "networkpolicies", "-n", name, "-o", "json"])) as { items: Policy[] })
        .items;
    const finished = (name: string) =>
      eventually(async () => {
        expect(await labelsOf(name)).not.toHaveProperty([MARKER]);
        const policies = await policiesIn(name);
        expect(policies.map(({ metadata }) => metadata.name)).toEqual(NAMES);
        return policies;
      });
    const writes = async (what: "policy" | "marker"): Promise<number> => {
      const line = (await drawbridge.metrics())
        .split("\n")
        .find((text) => text.startsWith(`drawbridge_baseline_writes_total{what="${what}"}`));
      return Number(line?.split(" ")[1] ?? 0);
    };

    test("a new namespace gets exactly the three policies of the templates, allows first, and loses its marker", async () => {
      expect(await createNamespace("shop", { team: "shop" })).toMatchObject({ code: 0, stderr: "" });
      const [denyIngress, denyEgress, allowDns] = await finished("shop");
      expect(denyIngress?.spec).toEqual({ podSelector: {}, policyTypes: ["Ingress"] });
      expect(denyEgress?.spec).toEqual({ podSelector: {}, policyTypes: ["Egress"] });
      expect(allowDns?.spec).toEqual({
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [
          {
            to: [
              {
                namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
                podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
              },
            ],
            ports: [
              { port: 53, protocol: "UDP" },
              { port: 53, protocol: "TCP" },
            ],
          },
        ],
      });
      const version = (policy: Policy | undefined): number => Number(policy?.metadata.resourceVersion);
      expect(version(allowDns)).toBeLessThan(Math.min(version(denyIngress), version(denyEgress)));
      expect(await labelsOf("shop")).toEqual({
        ...NAMESPACE_CONTRACT,
        team: "shop",
        "kubernetes.io/metadata.name": "shop",
      });
      expect(denyIngress?.metadata.labels).toEqual({
        "app.kubernetes.io/managed-by": "drawbridge",
        "drawbridge.dev/baseline": "default",
      });
    });

    test("API writes for a namespace are one a policy and one for the marker", async () => {
      const before = [await writes("policy"), await writes("marker")] as const;
      await createNamespace("counted");
      await finished("counted");
      expect([(await writes("policy")) - before[0], (await writes("marker")) - before[1]]).toEqual([3, 1]);
    });

    test("a second reconcile writes nothing", async () => {
      await createNamespace("again");
      const before = await finished("again");
      const [policyWrites, markerWrites] = [await writes("policy"), await writes("marker")];
      // Anyone may set the marker; it makes Drawbridge look again.
      expect(
        await cluster().kubectl(["label", "namespace", "again", `${MARKER}=true`], { as: "platform" }),
      ).toMatchObject({ code: 0 });
      await eventually(async () => expect(await writes("marker")).toBe(markerWrites + 1));
      expect(await finished("again")).toEqual(before);
      expect(await writes("policy")).toBe(policyWrites);
    });

    test("a restart of Drawbridge writes nothing for namespaces that are finished", async () => {
      await createNamespace("rested");
      const before = await finished("rested");
      await restart();
      await createNamespace("after-rest");
      await finished("after-rest");
      expect(await writes("policy")).toBe(3);
      expect(await policiesIn("rested")).toEqual(before);
    });

    test("a namespace that waited while Drawbridge was away is finished when it is back", async () => {
      await createNamespace("waiting", { "drawbridge.dev/mode": "audit" });
      await drawbridge.stop();
      await cluster().ok(["label", "namespace", "waiting", `${MARKER}=true`, "drawbridge.dev/mode-"]);
      drawbridge = await startDrawbridge({ cluster: cluster() });
      await finished("waiting");
    });

    test("many at once all get theirs", async () => {
      const names = Array.from({ length: 40 }, (_, i) => `burst-${i}`);
      const items = names.map((name) => namespace(name));
      await cluster().ok(["create", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
      for (const name of names) await finished(name);
    });

    describe("where nothing is to be injected", () => {
      test.each([
        [
          "in mode warn, creation warns of what would be",
          { "drawbridge.dev/mode": "warn" },
          /^Warning: drawbridge: in mode enforce this namespace would get the policies 00-default-deny-ingress, /,
        ],
        ["in mode audit, creation is silent", { "drawbridge.dev/mode": "audit" }, /^$/],
      ])("%s", async (_name, labels, stderr) => {
        const name = `not-${Object.values(labels)[0] ?? ""}`;
        const result = await createNamespace(name, labels);
        expect(result).toMatchObject({ code: 0, stderr: expect.stringMatching(stderr) });
        // Whoever comes after it is finished, so it has been passed over.
        await createNamespace(`after-${name}`);
        await finished(`after-${name}`);
        expect(await labelsOf(name)).not.toHaveProperty([MARKER]);
        expect(await policiesIn(name)).toEqual([]);
        await eventually(() => {
          expect(drawbridge.log).toContainEqual(
            expect.objectContaining({
              kind: "Namespace",
              name,
              withheld: expect.arrayContaining(["10-allow-dns-egress"]),
            }),
          );
        });
      });

      test("a server-side dry run shows the marker and writes nothing", async () => {
        const { code, stdout } = await cluster().kubectl([
          "create",
          "namespace",
          "dry",
          "--dry-run=server",
          "-o",
          "yaml",
        ]);
        expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`${MARKER}: "true"`) });
        expect(await cluster().kubectl(["get", "namespace", "dry"])).toMatchObject({ code: 1 });
      });
    });

    test("clauses that somebody has added to a deny are taken out when it is looked at again", async () => {
      await createNamespace("loosened");
      await finished("loosened");
      // Where the baseline is enforced nobody else could.
      await mode("loosened", "warn");
      const patch = ["patch", "networkpolicy", NAMES[1] ?? "", "-n", "loosened", "--type=merge", "-p"];
      const egress = [
        { to: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "x" } } }], ports: [{ port: 443 }] },
      ];
      await eventually(() => cluster().ok([...patch, JSON.stringify({ spec: { egress } })], { as: "tenant" }));
      await mode("loosened", "enforce", `${MARKER}=true`);
      await eventually(async () =>
        expect((await policiesIn("loosened"))[1]?.spec).toEqual({ podSelector: {}, policyTypes: ["Egress"] }),
      );
      await finished("loosened");
    });

    describe("a policy of somebody else under a name of ours", () => {
      const [TAKEN = ""] = NAMES;
      const foreign = (name: string, spec: object) => ({
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: TAKEN, namespace: name },
        spec,
      });
      /** As it comes about: somebody's policies are there before the namespace is governed. */
      const govern = async (name: string, spec: object): Promise<void> => {
        await createNamespace(name, { "drawbridge.dev/mode": "audit" });
        await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(foreign(name, spec)) });
        await cluster().ok([
          "label",
          "namespace",
          name,
          "drawbridge.dev/mode=enforce",
          `${MARKER}=true`,
          "--overwrite",
        ]);
      };

      test("that says the same is adopted", async () => {
        await govern("adopted", { podSelector: {}, policyTypes: ["Ingress"] });
        const [policy] = await finished("adopted");
        expect(policy?.metadata.labels).toMatchObject({ "drawbridge.dev/baseline": "default" });
      });

      test("that says something else is left alone and reported, until it is gone", async () => {
        const spec = { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] };
        await govern("conflict", spec);
        await eventually(() =>
          expect(drawbridge.log).toContainEqual(
            expect.objectContaining({ level: 50, namespace: "conflict", policies: [TAKEN] }),
          ),
        );
        expect((await policiesIn("conflict")).find(({ metadata }) => metadata.name === TAKEN)?.spec).toEqual(spec);
        expect(await labelsOf("conflict")).toHaveProperty([MARKER]);
        expect(await drawbridge.metrics()).toMatch(/^drawbridge_baseline_pending_namespaces 1$/m);
        await cluster().ok(["delete", "networkpolicy", TAKEN, "-n", "conflict"]);
        await finished("conflict");
      });

      test("that has the name of an allow keeps the deny of its direction away, which would cut off what it opens", async () => {
        await createNamespace("no-dns", { "drawbridge.dev/mode": "audit" });
        const taken = foreign("no-dns", { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Egress"] });
        const object = { ...taken, metadata: { ...taken.metadata, name: NAMES[2] } };
        await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(object) });
        await cluster().ok([
          "label",
          "namespace",
          "no-dns",
          "drawbridge.dev/mode=enforce",
          `${MARKER}=true`,
          "--overwrite",
        ]);
        await eventually(() =>
          expect(drawbridge.log).toContainEqual(expect.objectContaining({ level: 50, namespace: "no-dns" })),
        );
        expect((await policiesIn("no-dns")).map(({ metadata }) => metadata.name)).toEqual([NAMES[0], NAMES[2]]);
        await cluster().ok(["delete", "networkpolicy", NAMES[2] ?? "", "-n", "no-dns"]);
        await finished("no-dns");
      });

      test("meanwhile, an update that drops the marker gets it back", async () => {
        await govern("dropped", { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] });
        await eventually(() =>
          expect(drawbridge.log).toContainEqual(expect.objectContaining({ level: 50, namespace: "dropped" })),
        );
        await cluster().ok(["replace", "-f", "-"], {
          as: "platform",
          input: JSON.stringify(namespace("dropped", { a: "b" })),
        });
        expect(await labelsOf("dropped")).toMatchObject({ a: "b", [MARKER]: "true" });
        await cluster().ok(["label", "namespace", "dropped", `${MARKER}-`]);
        expect(await labelsOf("dropped")).toHaveProperty([MARKER]);
      });

      test("a mode that is lowered meanwhile sets the namespace free", async () => {
        await govern("freed", { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] });
        await eventually(() =>
          expect(drawbridge.log).toContainEqual(expect.objectContaining({ level: 50, namespace: "freed" })),
        );
        await cluster().ok(["label", "namespace", "freed", "drawbridge.dev/mode=audit", "--overwrite"]);
        await eventually(async () => expect(await labelsOf("freed")).not.toHaveProperty([MARKER]));
      });
    });

    test("an own NetworkBaseline takes the place of the embedded one, by its selector", async () => {
      const baseline = {
        apiVersion: "drawbridge.dev/v1alpha1",
        kind: "NetworkBaseline",
        metadata: { name: "ingress-only" },
        spec: { namespaceSelector: { matchLabels: { tier: "web" } }, templates: [{ name: "00-default-deny-ingress" }] },
      };
      await cluster().ok(["apply", "-f", "-"], { as: "platform", input: JSON.stringify(baseline) });
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ kind: "NetworkBaseline", msg: "configuration changed" }),
        ),
      );
      await createNamespace("not-selected");
      await createNamespace("selected", { tier: "web" });
      await eventually(async () =>
        expect((await policiesIn("selected")).map(({ metadata }) => metadata.name)).toEqual([NAMES[0]]),
      );
      expect(await policiesIn("not-selected")).toEqual([]);
      await cluster().ok(["delete", "networkbaseline", "ingress-only"]);
      // It may be about to be replaced.
      await eventually(
        () =>
          expect(drawbridge.log).toContainEqual(
            expect.objectContaining({
              baseline: "ingress-only",
              msg: "a NetworkBaseline that was deleted holds its place no longer",
            }),
          ),
        45_000,
      );
      await eventually(async () => {
        const { stdout } = await cluster().kubectl(["create", "namespace", "probe", "--dry-run=server", "-o", "yaml"]);
        expect(stdout).toContain(MARKER);
      });
    }, 90_000);

    test("a namespace that is deleted goes away, with its policies, and without being tried for ever", async () => {
      await createNamespace("gone");
      await finished("gone");
      await cluster().ok(["delete", "namespace", "gone", "--timeout=25s"]);
      expect(await cluster().kubectl(["get", "namespace", "gone"])).toMatchObject({ code: 1 });
      await eventually(async () =>
        expect(await drawbridge.metrics()).toContain("drawbridge_baseline_pending_namespaces 0"),
      );
    });
  },
  { controllerManager: true },
);
