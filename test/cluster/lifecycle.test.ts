import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { freePort } from "./harness/net.ts";

interface Webhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly timeoutSeconds: number;
  readonly clientConfig: { readonly url: string; readonly caBundle: string };
  readonly namespaceSelector?: { readonly matchExpressions?: readonly object[] };
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly scope: string;
  }[];
}

describeCluster("the life of a server", (cluster) => {
  const started: Drawbridge[] = [];
  const start = async (options: Parameters<typeof startDrawbridge>[0] = {}): Promise<Drawbridge> => {
    const drawbridge = await startDrawbridge({ cluster: cluster(), ...options });
    started.push(drawbridge);
    return drawbridge;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((drawbridge) => drawbridge.stop()));
  });

  const webhooks = async (kind: "validating" | "mutating"): Promise<readonly Webhook[]> => {
    const { code, stdout } = await cluster().kubectl([
      "get",
      `${kind}webhookconfiguration`,
      "drawbridge",
      "-o",
      "json",
    ]);
    return code === 0 ? (JSON.parse(stdout) as { webhooks: Webhook[] }).webhooks : [];
  };
  const admissionPolicies = async (): Promise<readonly string[]> => {
    const kinds = ["mutating", "validating"].flatMap((kind) => [
      `${kind}admissionpolicies`,
      `${kind}admissionpolicybindings`,
    ]);
    return (await cluster().ok(["get", kinds.join(","), "-o", "name"])).split("\n").filter(Boolean);
  };
  const ready = async (drawbridge: Drawbridge) => {
    const response = await fetch(`${drawbridge.healthUrl}/readyz`);
    return { status: response.status, body: (await response.json()) as { checks: Record<string, string> } };
  };

  test("it registers what architecture.md says, with its CA, and answers its probes", async () => {
    const drawbridge = await start();
    const validating = await webhooks("validating");
    expect(validating.map(({ name, failurePolicy }) => [name, failurePolicy])).toEqual([
      ["enforced.networkpolicies.drawbridge.dev", "Fail"],
      ["observed.networkpolicies.drawbridge.dev", "Ignore"],
      ["namespaces.drawbridge.dev", "Ignore"],
      ["configuration.drawbridge.dev", "Ignore"],
      ["workloads.drawbridge.dev", "Ignore"],
      ["deletions.networkpolicies.drawbridge.dev", "Ignore"],
      ["gate.pods.drawbridge.dev", "Fail"],
    ]);
    const mutating = await webhooks("mutating");
    expect(mutating.map(({ name, failurePolicy }) => [name, failurePolicy])).toEqual([
      ["stamp.namespaces.drawbridge.dev", "Ignore"],
    ]);
    for (const { name, clientConfig, timeoutSeconds } of [...validating, ...mutating]) {
      expect(clientConfig.url.startsWith(`${drawbridge.url}/`)).toBe(true);
      expect(Buffer.from(clientConfig.caBundle, "base64").toString()).toContain("BEGIN CERTIFICATE");
      expect(timeoutSeconds).toBe(name.startsWith("workloads.") ? 2 : name.startsWith("gate.") ? 5 : 3);
    }
    const system = {
      key: "kubernetes.io/metadata.name",
      operator: "NotIn",
      values: ["kube-system", "kube-public", "kube-node-lease", "drawbridge-system"],
    };
    const [enforced, observed, namespaces, configuration, workloads, deletions, gate] = validating;
    expect(enforced?.namespaceSelector?.matchExpressions).toEqual([
      system,
      { key: "drawbridge.dev/mode", operator: "NotIn", values: ["audit", "warn"] },
    ]);
    expect(observed?.namespaceSelector?.matchExpressions).toEqual([
      system,
      { key: "drawbridge.dev/mode", operator: "In", values: ["audit", "warn"] },
    ]);
    expect(namespaces?.namespaceSelector?.matchExpressions).toEqual([system]);
    expect(workloads?.namespaceSelector?.matchExpressions).toEqual([system]);
    expect(workloads?.matchConditions?.map(({ name }) => name)).toEqual([
      "is-not-made-by-a-workload",
      "changes-what-rules-look-at",
    ]);
    expect(workloads?.rules.map(({ apiGroups, resources }) => [apiGroups, resources])).toEqual([
      [[""], ["pods", "replicationcontrollers"]],
      [["apps"], ["deployments", "statefulsets", "daemonsets", "replicasets"]],
      [["batch"], ["jobs", "cronjobs"]],
    ]);
    expect(deletions?.namespaceSelector?.matchExpressions).toEqual([system]);
    expect(deletions?.rules).toMatchObject([{ resources: ["networkpolicies"], operations: ["DELETE"] }]);
    expect(gate?.namespaceSelector?.matchExpressions).toEqual([
      system,
      { key: "drawbridge.dev/baseline-pending", operator: "Exists" },
    ]);
    expect(gate?.rules).toMatchObject([{ resources: ["pods"], operations: ["CREATE"] }]);
    expect(configuration?.rules).toMatchObject([
      { resources: ["networkrulesets", "networkbaselines", "networkexceptions"], scope: "*" },
    ]);
    expect(await ready(drawbridge)).toMatchObject({ status: 200, body: { ready: true, checks: {} } });
    expect((await fetch(`${drawbridge.healthUrl}/healthz`)).status).toBe(200);
  });

  test.each(["audit", "warn"])("with --mode %s it can refuse only where a namespace asks for it", async (mode) => {
    await start({ args: ["--mode", mode] });
    const [enforced, observed] = await webhooks("validating");
    expect(enforced).toMatchObject({
      failurePolicy: "Fail",
      namespaceSelector: {
        matchExpressions: [{}, { key: "drawbridge.dev/mode", operator: "In", values: ["enforce"] }],
      },
    });
    expect(observed).toMatchObject({
      failurePolicy: "Ignore",
      namespaceSelector: {
        matchExpressions: [{}, { key: "drawbridge.dev/mode", operator: "NotIn", values: ["enforce"] }],
      },
    });
    const open = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "open", namespace: "default" },
      spec: { podSelector: {}, policyTypes: ["Egress"], egress: [{}] },
    };
    const { code, stderr } = await cluster().kubectl(["create", "--dry-run=server", "-f", "-"], {
      input: JSON.stringify(open),
    });
    expect(code).toBe(0);
    expect(stderr.includes("no-open-egress")).toBe(mode === "warn");
    expect(
      (await cluster().kubectl(["create", "namespace", "x", "--dry-run=server", "-o", "yaml"])).stdout,
    ).not.toContain("baseline-pending");
  });

  test("it is neither ready nor registered before it has read its configuration", async () => {
    // The server learns who it is, then finds etcd silent.
    const ports = { webhook: await freePort(), health: await freePort() };
    const warmUp = await start({ ports });
    await warmUp.stop();
    cluster().signal("etcd", "SIGSTOP");
    let drawbridge: Drawbridge;
    try {
      drawbridge = await start({ ports, waitUntilReady: false });
      await eventually(async () =>
        expect(await ready(drawbridge)).toMatchObject({
          status: 503,
          body: { checks: { server: "is starting", caches: expect.stringContaining("namespaces") } },
        }),
      );
      const answer = await post(drawbridge, "{}");
      expect(answer).toMatchObject({
        status: 503,
        body: expect.stringContaining("has not read its configuration yet"),
      });
      expect((await fetch(`${drawbridge.healthUrl}/healthz`)).status).toBe(200);
    } finally {
      cluster().signal("etcd", "SIGCONT");
    }
    await eventually(async () => expect(await ready(drawbridge)).toMatchObject({ status: 200 }), 20_000);
    await eventually(async () => expect(await webhooks("validating")).toHaveLength(7));
    const [firstAdmission] = drawbridge.log.filter(({ msg }) => msg === "admission");
    expect(firstAdmission).toBeUndefined();
  });

  test("SIGTERM: no longer ready, unregistered, still answering, then an end with exit code 0 in spite of an idle connection", async () => {
    const drawbridge = await start({ args: ["--drain-seconds", "2"] });
    const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
    expect(await post(drawbridge, REVIEW, agent)).toMatchObject({ status: 200, connection: "keep-alive" });
    const begun = Date.now();
    const end = drawbridge.stop();
    await eventually(async () =>
      expect(await ready(drawbridge)).toMatchObject({ status: 503, body: { checks: { server: "is stopping" } } }),
    );
    await eventually(async () => expect([await webhooks("validating"), await webhooks("mutating")]).toEqual([[], []]));
    expect(await post(drawbridge, REVIEW)).toMatchObject({
      status: 200,
      connection: "close",
      body: expect.stringContaining('"allowed":true'),
    });
    expect(await end).toBe(0);
    expect(Date.now() - begun).toBeLessThan(8_000);
    expect(drawbridge.log.at(-1)).toMatchObject({ msg: "stopped" });
    expect(drawbridge.stderr()).toBe("");
    agent.destroy();
  });

  test("SIGINT does the same, also while it is still starting", async () => {
    const drawbridge = await start();
    expect(await drawbridge.stop("SIGINT")).toBe(0);
    expect(await webhooks("validating")).toEqual([]);

    cluster().signal("etcd", "SIGSTOP");
    try {
      const starting = await start({ waitUntilReady: false });
      await eventually(() => ready(starting));
      expect(await starting.stop("SIGINT")).toBe(0);
      expect(starting.stderr()).toBe("");
    } finally {
      cluster().signal("etcd", "SIGCONT");
    }
  });

  test("killed, it leaves its registration, and the next one takes that over", async () => {
    const first = await start();
    await first.stop("SIGKILL");
    expect(await webhooks("validating")).toHaveLength(7);
    const second = await start();
    expect((await webhooks("validating"))[0]?.clientConfig.url).toBe(`${second.url}/validate`);
    await eventually(async () => expect(await admissionPolicies()).toHaveLength(8));
    expect(await second.stop()).toBe(0);
    expect(await webhooks("validating")).toEqual([]);
    // Outside its cluster it is nobody's: nothing may be left that makes namespaces wait for it.
    expect(await admissionPolicies()).toEqual([]);
  });

  test("it outlives a restart of the API server", async () => {
    const drawbridge = await start();
    await cluster().stopApiServer("SIGKILL");
    await cluster().startApiServer();
    await cluster().ok(["create", "namespace", "after-restart"]);
    await eventually(async () => {
      expect(
        (await cluster().ok(["get", "networkpolicies", "-n", "after-restart", "-o", "name"]))
          .split("\n")
          .filter(Boolean),
      ).toHaveLength(3);
    }, 25_000);
    expect(await drawbridge.stop()).toBe(0);
  });

  test("stopping it leaves alone what another has registered since", async () => {
    const first = await start();
    const second = await start();
    expect(await first.stop()).toBe(0);
    expect((await webhooks("validating"))[0]?.clientConfig.url).toBe(`${second.url}/validate`);
    expect(await webhooks("mutating")).toHaveLength(1);
  });

  test("it ends in time while the API server hangs before it has said who we are", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const kubeconfig = join(cluster().directory, "silent.kubeconfig");
    const text = readFileSync(cluster().kubeconfigs.admin, "utf8");
    writeFileSync(kubeconfig, text.replace(cluster().url, `https://127.0.0.1:${port}`));
    const drawbridge = await startDrawbridge({ waitUntilReady: false, args: ["--kubeconfig", kubeconfig] });
    await once(silent, "connection");
    expect(await drawbridge.stop()).toBe(0);
    silent.close();
  });

  describe("a user who may not do what it takes", () => {
    const startAs = async (rules: readonly object[]) => {
      const role = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "tenant-more" },
        rules,
      };
      await cluster().ok(["apply", "-f", "-"], { input: JSON.stringify(role) });
      await cluster().kubectl([
        "create",
        "clusterrolebinding",
        "tenant-more",
        "--clusterrole=tenant-more",
        "--group=tenants",
      ]);
      const port = await freePort();
      return startDrawbridge({
        waitUntilReady: false,
        args: ["--kubeconfig", cluster().kubeconfigs.tenant, "--webhook-url", `https://127.0.0.1:${port}`],
      });
    };
    const READ = {
      apiGroups: [
        "",
        "apps",
        "discovery.k8s.io",
        "networking.k8s.io",
        "drawbridge.dev",
        "admissionregistration.k8s.io",
        "apiregistration.k8s.io",
        "apiextensions.k8s.io",
      ],
      resources: ["*"],
      verbs: ["get", "list", "watch"],
    };
    const write = (...resources: string[]) => ({
      apiGroups: ["admissionregistration.k8s.io"],
      resources,
      verbs: ["*"],
    });

    test("who may not read waits, says why, and registers nothing", async () => {
      const drawbridge = await startAs([]);
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ level: 40, error: expect.stringContaining("forbidden") }),
        ),
      );
      expect(await ready(drawbridge)).toMatchObject({ status: 503 });
      expect(await drawbridge.stop()).toBe(0);
      expect(await webhooks("validating")).toEqual([]);
    });

    test.each(["validatingwebhookconfigurations", "mutatingwebhookconfigurations"])(
      "who may write only %s is told what it takes, and nothing is left that points at nobody",
      async (resource) => {
        const drawbridge = await startAs([READ, write(resource)]);
        expect(await drawbridge.exited).toBe(2);
        expect(drawbridge.stderr()).toContain("(registration-refused)");
        expect(drawbridge.stderr()).toContain(
          "It takes get, create, patch, update and delete of the validating and mutating webhook configuration drawbridge",
        );
        expect(drawbridge.stderr()).not.toMatch(/^ {4}at /m);
        expect([await webhooks("validating"), await webhooks("mutating")]).toEqual([[], []]);
      },
    );
  });
});

const REVIEW = JSON.stringify({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "1",
    kind: { group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy" },
    operation: "CREATE",
    userInfo: { username: "x" },
    namespace: "default",
    object: {
      metadata: { name: "x", namespace: "default", annotations: { description: "d", owner: "o" } },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    },
  },
});

async function post({ url }: Drawbridge, body: string, agent?: Agent) {
  const outgoing = request(`${url}/validate`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(agent === undefined && { connection: "keep-alive" }) },
    agent: agent ?? new Agent({ rejectUnauthorized: false }),
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return { status: response.statusCode, connection: response.headers.connection, body: text };
}
