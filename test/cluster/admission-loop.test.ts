import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import { BASELINE, LABELS, MARKER, STAMP } from "../../src/controllers/admission/admission-policies.ts";
import {
  AdmissionLoop,
  type AdmissionLoopClient,
  type AdmissionLoopDeps,
} from "../../src/controllers/admission/admission-loop.ts";
import { type Configuration, configure } from "../../src/engine/configuration.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { networkBaseline, networkRuleset } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";

const embedded = await readEmbeddedPolicies();
const configurationOf = (...baselines: ReturnType<typeof networkBaseline>[]): Configuration =>
  configure("enforce", embedded, {
    rulesets: new Map(),
    baselines: new Map(baselines.map((baseline) => [baseline.metadata.name, baseline])),
  });

describeCluster("admission policies are kept in step", (cluster) => {
  let client: KubernetesClient;
  const loops: { readonly loop: AdmissionLoop; readonly writer: AdmissionLoopClient }[] = [];
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
  });
  afterEach(async () => {
    for (const { loop, writer } of loops.splice(0)) await loop.remove(writer);
    expect(await stored()).toEqual([]);
  });
  afterAll(() => client?.close());

  const KINDS = ["mutating", "validating"].flatMap((kind) => [
    `${kind}admissionpolicies`,
    `${kind}admissionpolicybindings`,
  ]);
  const stored = async (): Promise<string[]> =>
    (await cluster().ok(["get", KINDS.join(","), "-o", "name"])).split("\n").filter(Boolean);

  const started = (tweak: Partial<AdmissionLoopDeps> = {}, elsewhere = (path: string) => path) => {
    const state = { configuration: configurationOf(), written: [] as string[], lines: [] as object[] };
    const writer: AdmissionLoopClient = {
      get: (path, options) => client.get(elsewhere(path), options),
      delete: client.delete.bind(client),
      replace: client.replace.bind(client),
      apply: async (path, object, options) => {
        const answer = await client.apply(elsewhere(path), object, options);
        state.written.push(path.split("/").slice(-2).join("/"));
        return answer as never;
      },
    };
    const loop = new AdmissionLoop({
      log: createLogger("info", { write: (line: string) => void state.lines.push(JSON.parse(line) as object) }),
      user: "admin",
      configuration: () => state.configuration,
      outlive: false,
      ...tweak,
    });
    loops.push({ loop, writer });
    /** What it writes. */
    const reconcile = async (): Promise<readonly string[]> => {
      state.written.length = 0;
      await loop.reconcile(writer);
      return [...state.written];
    };
    return { state, reconcile, loop, writer };
  };

  test("all are written once, then nothing, then what a change of the configuration changes", async () => {
    const { state, reconcile } = started();
    expect(await reconcile()).toHaveLength(8);
    expect(await stored()).toHaveLength(8);
    expect(await reconcile()).toEqual([]);
    state.configuration = configurationOf(
      networkBaseline("web", { namespaceSelector: { matchLabels: { tier: "web" } } }),
    );
    expect(await reconcile()).toEqual([
      `mutatingadmissionpolicies/${STAMP}`,
      `validatingadmissionpolicies/${BASELINE}`,
    ]);
    expect(await reconcile()).toEqual([]);
    const lenient = networkRuleset("default", { rules: { "no-unbound-label": { mode: "warn" } } });
    const defaultRuleset = resolveRuleset(lenient, embedded.rulesets);
    const rulesets = new Map([...state.configuration.rulesets, ["default", defaultRuleset]]);
    state.configuration = { ...state.configuration, rulesets, defaultRuleset };
    expect(await reconcile()).toEqual([`validatingadmissionpolicies/${LABELS}`]);
    expect(await reconcile()).toEqual([]);
  });

  test("nothing is written before the API server asks us, nor after the end of the term; then again in the next", async () => {
    const { state, loop, writer } = started();
    const run = () => {
      const term = new AbortController();
      return { ended: loop.run(writer, term.signal), end: () => term.abort() };
    };
    const first = run();
    loop.changed();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(state.written).toEqual([]);
    loop.registered();
    await eventually(async () => expect(await stored()).toHaveLength(8));
    first.end();
    await first.ended;
    const before = state.written.length;
    state.configuration = configurationOf(networkBaseline("web", { namespaceSelector: { matchLabels: { a: "b" } } }));
    loop.changed();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(state.written).toHaveLength(before);
    const second = run();
    await eventually(() => expect(state.written.length).toBeGreaterThan(before));
    second.end();
    await second.ended;
  });

  test("what somebody has deleted or weakened is put right", async () => {
    const { reconcile } = started();
    expect(await reconcile()).toHaveLength(8);
    await client.delete(paths.validatingAdmissionPolicyBindings(MARKER));
    await client.patch(paths.validatingAdmissionPolicies(BASELINE), [
      { op: "replace", path: "/spec/validations/1/expression", value: "true" },
    ]);
    await client.patch(paths.mutatingAdmissionPolicies(STAMP), [
      { op: "add", path: "/spec/matchConditions/0", value: { name: "never", expression: "false" } },
    ]);
    await client.patch(paths.validatingAdmissionPolicyBindings(BASELINE), [
      { op: "add", path: "/spec/matchResources", value: { namespaceSelector: { matchLabels: { no: "where" } } } },
    ]);
    expect(await reconcile()).toEqual([
      `mutatingadmissionpolicies/${STAMP}`,
      `validatingadmissionpolicybindings/${MARKER}`,
      `validatingadmissionpolicies/${BASELINE}`,
      `validatingadmissionpolicybindings/${BASELINE}`,
    ]);
    expect(await reconcile()).toEqual([]);
  });

  test("a kind that the API server does not serve is passed over, and told of once", async () => {
    // The real answer of an API server that does not know a kind.
    const elsewhere = (path: string) => path.replace("mutatingadmissionpolic", "nosuchadmissionpolic");
    const { state, reconcile } = started({}, elsewhere);
    expect(await reconcile()).toHaveLength(6);
    expect(await stored()).toHaveLength(6);
    expect(await reconcile()).toEqual([]);
    expect(state.lines.filter((line) => "kind" in line)).toEqual([
      expect.objectContaining({ level: 40, kind: "MutatingAdmissionPolicy" }),
      expect.objectContaining({ level: 40, kind: "MutatingAdmissionPolicyBinding" }),
    ]);
  });

  test("where they are to outlive the process the ClusterRole owns them, by the uid that it has now", async () => {
    const uids = async (): Promise<readonly unknown[]> => {
      const { metadata } = await client.get<KubernetesObject>(paths.mutatingAdmissionPolicies(STAMP));
      return (metadata?.ownerReferences ?? []).map((owner) => (owner as { uid?: string }).uid);
    };
    const createRole = async (): Promise<string | undefined> => {
      await cluster().ok(["create", "clusterrole", "drawbridge", "--verb=get", "--resource=namespaces"]);
      return (await client.get<KubernetesObject>(paths.clusterRoles("drawbridge"))).metadata?.uid;
    };
    const { reconcile } = started({ outlive: true });
    expect(await reconcile()).toHaveLength(8);
    expect(await uids()).toEqual([]);
    const first = await createRole();
    expect(await reconcile()).toHaveLength(8);
    expect(await uids()).toEqual([first]);
    await cluster().ok(["delete", "clusterrole", "drawbridge"]);
    const second = await createRole();
    expect(await reconcile()).toHaveLength(8);
    expect(await uids()).toEqual([second]);
    expect(second).not.toBe(first);
    await cluster().ok(["delete", "clusterrole", "drawbridge"]);
  });
});
