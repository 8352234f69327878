import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { issueCa, issueLeaf } from "../../src/certs/issue.ts";
import { configure } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { type AppDeps, createApp } from "../../src/server/app.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { NAMESPACE_CONTRACT, networkException } from "../helpers/build.ts";
import { admissionRequest, admissionReview } from "./reviews.ts";

const now = new Date();
const ca = await issueCa(now);
const tls = await issueLeaf(ca, ["localhost", "127.0.0.1"], now);
const configuration = configure("enforce", await readEmbeddedPolicies(), {
  rulesets: new Map(),
  baselines: new Map(),
});

const open: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

const NOW = Date.parse("2026-11-21T12:00:00Z");

/** An app with the embedded configuration; labels of namespaces by their name. */
function start(tweak: Partial<AppDeps> = {}, namespaces: Record<string, Record<string, string>> = {}) {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString("utf8")) as Record<string, unknown>);
      done();
    },
  });
  const metrics = createMetrics();
  const app = createApp({
    log: createLogger("info", sink),
    metrics,
    tls,
    phase: () => "serving",
    configuration: () => configuration,
    namespaceLabels: async (name) => namespaces[name],
    exceptionsIn: () => [],
    policiesIn: () => [],
    newestExceptionsIn: async () => [],
    isGoing: async () => false,
    canBind: async () => true,
    ensureBaseline: async () => ({ outcome: "complete" }),
    isOwn: () => false,
    now: () => NOW,
    suspendedUntil: () => undefined,
    ...tweak,
  });
  open.push(app);
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const payload = typeof body === "string" ? body : JSON.stringify(body);
    const response = await app.inject({
      method: "POST",
      url: path,
      payload,
      headers: { "content-type": "application/json", ...headers },
    });
    return { status: response.statusCode, headers: response.headers, body: response.json<ReviewAnswer>() };
  };
  return { app, post, lines, metrics };
}

interface ReviewAnswer {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly error?: string;
  readonly response?: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly message: string };
    readonly warnings?: readonly string[];
    readonly auditAnnotations?: Readonly<Record<string, string>>;
    readonly patch?: string;
    readonly patchType?: string;
  };
}

function policy(spec: object, metadata: object = {}): KubernetesObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "web", namespace: "shop", annotations: { description: "d", owner: "o" }, ...metadata },
    spec: { podSelector: {}, policyTypes: ["Ingress"], ...spec },
  } as KubernetesObject;
}

const good = policy({});
const bad = policy({ podSelector: { matchLabels: { "pod-template-hash": "abc" } } });
const worthAWarning = policy({}, { annotations: {} });

describe("while it is suspended", () => {
  const suspendedUntil = () => NOW + 60_000;

  test.each<[string, string, object, Partial<AppDeps>, string]>([
    ["a policy", "/validate", admissionRequest("NetworkPolicy", { object: bad }), {}, "no-unstable-label"],
    [
      "a Pod before its baseline",
      "/gate",
      admissionRequest("Pod", { object: { metadata: { name: "web" } }, namespace: "shop" }),
      { ensureBaseline: () => Promise.reject(new Error("no answer")) },
      "cannot be applied now: no answer",
    ],
    [
      "what cannot be judged",
      "/validate",
      admissionRequest("NetworkPolicy", { object: good }),
      { namespaceLabels: () => Promise.reject(new Error("no answer")) },
      "it could not be judged: no answer",
    ],
  ])("%s is let in, with a warning, and the log tells", async (_what, path, request, tweak, reason) => {
    const { post, lines } = start({ ...tweak, suspendedUntil });
    const { status, body } = await post(path, admissionReview(request as never));
    expect(status).toBe(200);
    expect(body.response).toMatchObject({ allowed: true, auditAnnotations: { suspended: expect.any(String) } });
    expect(body.response?.warnings?.[0]).toContain("suspended until 2026-11-21T12:01:00.000Z");
    expect(body.response?.warnings?.join("\n")).toContain(reason);
    expect(JSON.stringify(lines)).toContain(reason.split(": ").at(-1));
  });

  test("what is allowed anyway is as ever, and afterwards what is not is refused", async () => {
    let until: number | undefined = NOW + 60_000;
    const { post, lines } = start({ suspendedUntil: () => until });
    const ask = (object: KubernetesObject) =>
      post("/validate", admissionReview(admissionRequest("NetworkPolicy", { object })));
    expect((await ask(good)).body.response).toEqual({ uid: "7f0b2a1c", allowed: true });
    expect((await ask(bad)).body.response).toMatchObject({ allowed: true });
    until = undefined;
    expect((await ask(bad)).body.response).toMatchObject({ allowed: false });
    expect(lines.map(({ verdict }) => verdict)).toEqual(["allowed", "suspended", "denied"]);
  });
});

describe("a verdict", () => {
  test("is HTTP 200 with the uid echoed, also when it is a refusal", async () => {
    const { post } = start();
    const { status, body } = await post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: bad })),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" });
    expect(body.response).toMatchObject({ uid: "7f0b2a1c", allowed: false, status: { code: 403 } });
    expect(body.response?.status?.message).toContain(
      "NetworkPolicy shop/web breaks 1 rule of ruleset default:\n  no-unstable-label: spec.podSelector.matchLabels.pod-template-hash: ",
    );
  });

  test("of what is fine is allowed, without a status, warnings or annotations", async () => {
    const { post } = start();
    const { body } = await post("/validate", admissionReview(admissionRequest("NetworkPolicy", { object: good })));
    expect(body.response).toEqual({ uid: "7f0b2a1c", allowed: true });
  });

  test("of findings that warn is allowed with a warning each", async () => {
    const { post } = start();
    const { body } = await post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: worthAWarning })),
    );
    expect(body.response).toMatchObject({ allowed: true });
    expect(body.response?.warnings).toHaveLength(2);
    expect(body.response?.warnings?.[0]).toContain("drawbridge: require-metadata: metadata.annotations.description: ");
  });

  test("that refuses carries no warnings", async () => {
    const both = policy({ podSelector: { matchLabels: { "pod-template-hash": "abc" } } }, { annotations: {} });
    const { body } = await start().post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: both })),
    );
    expect(body.response?.allowed).toBe(false);
    expect(body.response?.warnings).toBeUndefined();
  });

  test.each([
    [
      "warn",
      {
        allowed: true,
        warnings: 1,
        annotations: "warn no-unstable-label spec.podSelector.matchLabels.pod-template-hash",
      },
    ],
    [
      "audit",
      {
        allowed: true,
        warnings: 0,
        annotations: "audit no-unstable-label spec.podSelector.matchLabels.pod-template-hash",
      },
    ],
    [
      "enforce",
      {
        allowed: false,
        warnings: 0,
        annotations: "enforce no-unstable-label spec.podSelector.matchLabels.pod-template-hash",
      },
    ],
    [
      "nonsense",
      {
        allowed: false,
        warnings: 0,
        annotations: "enforce no-unstable-label spec.podSelector.matchLabels.pod-template-hash",
      },
    ],
  ])("in a namespace of mode %s", async (mode, expected) => {
    const { post } = start({}, { shop: { "drawbridge.dev/mode": mode } });
    const { body } = await post("/validate", admissionReview(admissionRequest("NetworkPolicy", { object: bad })));
    expect({
      allowed: body.response?.allowed,
      warnings: body.response?.warnings?.length ?? 0,
      annotations: body.response?.auditAnnotations?.["findings"],
    }).toEqual(expected);
  });

  test("is by the ruleset that the namespace names", async () => {
    const { post } = start({}, { shop: { "drawbridge.dev/ruleset": "restricted" } });
    const { body } = await post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: worthAWarning })),
    );
    expect(body.response?.status?.message).toContain("breaks 1 rule of ruleset restricted:");
  });

  test("of the same review again is the same", async () => {
    const { post } = start();
    const review = admissionReview(admissionRequest("NetworkPolicy", { object: bad }));
    expect((await post("/validate", review)).body).toEqual((await post("/validate", review)).body);
  });
});

describe("never refused by a content rule", () => {
  const refused = (tweak: object) =>
    start().post(
      "/validate",
      admissionReview(
        admissionRequest("NetworkPolicy", { object: bad, oldObject: good, operation: "UPDATE", ...tweak }),
      ),
    );

  test.each([
    ["a deletion", { operation: "DELETE", object: null, oldObject: bad }],
    [
      "what is being deleted",
      { oldObject: { ...good, metadata: { ...good.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } } },
    ],
    [
      "an update that leaves spec and labels as they were",
      { oldObject: { ...bad, metadata: { ...bad.metadata, annotations: { a: "b" } } } },
    ],
    ["a policy of a system namespace", { object: { ...bad, metadata: { ...bad.metadata, namespace: "kube-system" } } }],
  ])("%s", async (_name, tweak) => {
    expect((await refused(tweak)).body.response?.allowed).toBe(true);
  });

  test("while a deletionTimestamp that the author wrote exempts nothing", async () => {
    const dated = { ...bad, metadata: { ...bad.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect((await refused({ operation: "CREATE", object: dated, oldObject: null })).body.response?.allowed).toBe(false);
    expect((await refused({ object: dated })).body.response?.allowed).toBe(false);
  });

  test("while the same update with another spec is refused", async () => {
    expect((await refused({})).body.response?.allowed).toBe(false);
  });
});

describe("a namespace", () => {
  const create = (name: string, labels?: Record<string, string>, tweak: object = {}) =>
    admissionReview(
      admissionRequest("Namespace", {
        object: { apiVersion: "v1", kind: "Namespace", metadata: { name, ...(labels && { labels }) } },
        ...tweak,
      }),
    );
  const patchOf = (body: ReviewAnswer): unknown =>
    body.response?.patch === undefined
      ? undefined
      : JSON.parse(Buffer.from(body.response.patch, "base64").toString("utf8"));

  test.each([
    [
      "without labels",
      create("shop"),
      [{ op: "add", path: "/metadata/labels", value: { "drawbridge.dev/baseline-pending": "true" } }],
    ],
    [
      "with labels",
      create("shop", { a: "b" }),
      [{ op: "add", path: "/metadata/labels/drawbridge.dev~1baseline-pending", value: "true" }],
    ],
    ["that has the marker already", create("shop", { "drawbridge.dev/baseline-pending": "true" }), undefined],
    ["in mode warn", create("shop", { "drawbridge.dev/mode": "warn" }), undefined],
    ["in mode audit", create("shop", { "drawbridge.dev/mode": "audit" }), undefined],
    ["of the system", create("kube-system"), undefined],
    ["that asks for a baseline that does not exist", create("shop", { "drawbridge.dev/baseline": "nope" }), undefined],
  ])("%s is stamped as it should be", async (_name, review, expected) => {
    const { body } = await start().post("/mutate", review);
    expect(body.response?.allowed).toBe(true);
    expect(patchOf(body)).toEqual(expected);
    expect(body.response?.patchType).toBe(expected === undefined ? undefined : "JSONPatch");
  });

  test("that loses the marker in an update gets it back, unless it is Drawbridge that removes it", async () => {
    const oldObject = { metadata: { name: "shop", labels: { "drawbridge.dev/baseline-pending": "true" } } };
    const review = create("shop", {}, { operation: "UPDATE", oldObject });
    expect(patchOf((await start().post("/mutate", review)).body)).toHaveLength(1);
    expect(patchOf((await start({ isOwn: () => true }).post("/mutate", review)).body)).toBeUndefined();
  });

  test("that never had the marker gets none in an update", async () => {
    const review = create("shop", {}, { operation: "UPDATE", oldObject: { metadata: { name: "shop" } } });
    expect(patchOf((await start().post("/mutate", review)).body)).toBeUndefined();
  });

  const WILL_GET =
    "drawbridge: this namespace will get the policies " +
    "00-default-deny-ingress, 01-default-deny-egress, 10-allow-dns-egress";

  test("in mode warn is told what it would get", async () => {
    const { body } = await start().post(
      "/validate",
      create("shop", { ...NAMESPACE_CONTRACT, "drawbridge.dev/mode": "warn" }),
    );
    expect(body.response?.warnings).toEqual([
      "drawbridge: in mode enforce this namespace would get the policies 00-default-deny-ingress, 01-default-deny-egress, 10-allow-dns-egress",
    ]);
  });

  test.each([
    ["that is tried is told what it will get", { dryRun: true }, [WILL_GET]],
    ["that is created is told nothing: it can be seen", {}, undefined],
    ["that is changed is told nothing", { dryRun: true, operation: "UPDATE" as const, oldObject: {} }, undefined],
  ])("%s", async (_, request, warnings) => {
    const { body } = await start().post("/validate", create("shop", NAMESPACE_CONTRACT, request));
    expect(body.response).toEqual({ uid: "7f0b2a1c", allowed: true, ...(warnings && { warnings }) });
  });

  test("in mode audit is told nothing, but it is logged and counted", async () => {
    const { post, lines, metrics } = start();
    const { body } = await post("/validate", create("shop", { ...NAMESPACE_CONTRACT, "drawbridge.dev/mode": "audit" }));
    expect(body.response).toEqual({ uid: "7f0b2a1c", allowed: true });
    expect(lines).toMatchObject([
      { withheld: ["00-default-deny-ingress", "01-default-deny-egress", "10-allow-dns-egress"] },
    ]);
    expect(await metrics.registry.metrics()).toContain(
      'drawbridge_baseline_namespaces_total{outcome="would_inject"} 1',
    );
  });

  test("whose governing labels say nothing that is known is warned of what holds instead", async () => {
    const { body } = await start().post(
      "/validate",
      create("shop", { ...NAMESPACE_CONTRACT, "drawbridge.dev/mode": "enfroce", "drawbridge.dev/ruleset": "strict" }),
    );
    expect(body.response?.warnings).toEqual([
      "drawbridge: label drawbridge.dev/mode: enfroce is not one of audit, warn, enforce; mode enforce holds",
      "drawbridge: label drawbridge.dev/ruleset: there is no NetworkRuleset strict (there are default, restricted); default holds",
    ]);
  });
});

describe("a document of ours", () => {
  test.each([
    [
      "mode",
      { rules: { "no-broad-cidr": { mode: "enfroce" } } },
      'spec.rules.no-broad-cidr.mode is "enfroce"; allowed: disabled, audit, warn, enforce',
    ],
    ["rule", { rules: { "no-cidr": {} } }, "spec.rules.no-cidr is not a rule; the rules are require-policy-types, "],
    [
      "option",
      { rules: { "no-broad-cidr": { options: { publicIPv4: { enforceAbove: 99 } } } } },
      "enforceAbove is 99; must be <= 32",
    ],
    ["field", { rulez: {} }, "spec.rulez is not a field of this; allowed: description, base, rules"],
  ])("with a wrong %s is refused with path, value and what is allowed", async (_what, spec, message) => {
    const object = { apiVersion: "drawbridge.dev/v1alpha1", kind: "NetworkRuleset", metadata: { name: "x" }, spec };
    const { body } = await start().post("/validate", admissionReview(admissionRequest("NetworkRuleset", { object })));
    expect(body.response?.allowed).toBe(false);
    expect(body.response?.status?.message).toContain("NetworkRuleset x is not valid:\n  ");
    expect(body.response?.status?.message).toContain(message);
  });
});

describe("what is no AdmissionReview", () => {
  test.each([
    ["no JSON", "{", 400],
    ["an empty body", "", 400],
    [
      "another version",
      { ...admissionReview(admissionRequest("NetworkPolicy")), apiVersion: "admission.k8s.io/v1beta1" },
      400,
    ],
    ["no request", { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" }, 400],
    ["a request without uid", admissionReview({ ...admissionRequest("NetworkPolicy"), uid: "" }), 400],
    ["a list", [], 400],
    [
      "an object that is a text",
      admissionReview({ ...admissionRequest("NetworkPolicy"), object: "x" as unknown as KubernetesObject }),
      400,
    ],
  ])("%s is HTTP 4xx", async (_name, body, status) => {
    const { post, metrics } = start();
    expect((await post("/validate", body)).status).toBe(status);
    expect(await metrics.registry.metrics()).toContain(`drawbridge_bad_requests_total{status="${status}"} 1`);
  });

  test("a body that is too large, or of another type, is refused unread", async () => {
    const { post } = start();
    expect((await post("/validate", `"${"x".repeat(7 * 1024 * 1024)}"`)).status).toBe(413);
    expect((await post("/validate", "x", { "content-type": "text/plain" })).status).toBe(415);
  });

  test("deep nesting does not end the process", async () => {
    const { post } = start();
    const depth = 200_000;
    const nested = `${"[".repeat(depth)}${"]".repeat(depth)}`;
    const body = JSON.stringify(admissionReview(admissionRequest("NetworkPolicy", { object: good }))).replace(
      '"spec":{',
      `"spec":{"x":${nested},`,
    );
    expect((await post("/validate", body)).status).toBeLessThanOrEqual(500);
    expect((await post("/validate", admissionReview(admissionRequest("NetworkPolicy", { object: good })))).status).toBe(
      200,
    );
  });

  test("keys of JavaScript's own are judged like any other", async () => {
    const { post } = start();
    const object = JSON.stringify(bad).replace('"matchLabels":{', '"matchLabels":{"__proto__":"x","constructor":"y",');
    const review = JSON.stringify(admissionReview(admissionRequest("NetworkPolicy"))).replace(
      '"operation"',
      `"object":${object},"operation"`,
    );
    const { status, body } = await post("/validate", review);
    expect(status).toBe(200);
    expect(body.response?.status?.message).toContain("no-unstable-label");
  });
});

describe("a failure", () => {
  test("to learn the namespace's labels is HTTP 500 with the reason: failurePolicy decides", async () => {
    const { post, lines } = start({
      namespaceLabels: () => Promise.reject(new Error("the labels of namespace shop cannot be read")),
    });
    const { status, body } = await post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: good })),
    );
    expect(status).toBe(500);
    expect(body.error).toBe("the labels of namespace shop cannot be read");
    expect(lines).toMatchObject([
      { level: 50, verdict: "failed", error: "the labels of namespace shop cannot be read" },
    ]);
  });

  test("before the configuration is read is HTTP 503", async () => {
    const { status, body } = await start({ phase: () => "starting" }).post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: good })),
    );
    expect(status).toBe(503);
    expect(body.error).toContain("starting");
  });

  test("gives up before the API server does", async () => {
    const waits: number[] = [];
    const { post } = start({
      namespaceLabels: async (_name, waitMs) => {
        waits.push(waitMs);
        return {};
      },
    });
    const review = admissionReview(admissionRequest("NetworkPolicy", { object: good }));
    await post("/validate?timeout=3s", review);
    await post("/validate?timeout=10s", review);
    await post("/validate", review);
    expect(waits).toEqual([2500, 9500, 2500]);
  });
});

describe("the log", () => {
  test("has one line a decision, with who, what, verdict and rules, and nothing of the object", async () => {
    const { post, lines } = start();
    const secret = policy(
      { podSelector: { matchLabels: { "pod-template-hash": "abc" } } },
      { annotations: { token: "hunter2" } },
    );
    await post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: secret, namespace: "shop", dryRun: true })),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      webhook: "validate",
      uid: "7f0b2a1c",
      operation: "CREATE",
      kind: "NetworkPolicy",
      namespace: "shop",
      name: "web",
      user: "somebody",
      dryRun: true,
      verdict: "denied",
      rules: ["no-unstable-label=enforce", "require-metadata=warn"],
    });
    expect(JSON.stringify(lines)).not.toContain("hunter2");
  });

  test("a caller cannot make new time series", async () => {
    const { post, metrics } = start();
    await post(
      "/validate",
      admissionReview({
        ...admissionRequest("NetworkPolicy", { object: good }),
        kind: { group: "x", version: "v1", kind: "Evil" },
      }),
    );
    expect(await metrics.registry.metrics()).toContain('kind="other"');
    expect(await metrics.registry.metrics()).not.toContain("Evil");
  });
});

describe("what an exception covers", () => {
  const openEgress = policy({ policyTypes: ["Egress"], egress: [{}] });
  const judged = async (expires: string) => {
    const { post, lines, metrics } = start({
      exceptionsIn: () => [networkException({ expires })],
      newestExceptionsIn: async () => [networkException({ expires })],
    });
    const { body } = await post(
      "/validate",
      admissionReview(admissionRequest("NetworkPolicy", { object: openEgress })),
    );
    const counted = (await metrics.registry.metrics())
      .split("\n")
      .filter((line) => line.startsWith('drawbridge_findings_total{rule="no-open-egress"'));
    return { response: body.response, line: lines.at(-1), counted };
  };

  test("is named in the audit annotation and in the log, counted apart, and nobody is warned of it", async () => {
    const { response, line, counted } = await judged("2026-11-30");
    const by = "NetworkException legacy of team-db@example.com until 2026-11-30";
    expect(response).toMatchObject({ allowed: true });
    expect(response?.auditAnnotations?.["findings"]).toContain(`audit no-open-egress spec.egress[0] by ${by}`);
    expect((response?.warnings ?? []).filter((text) => text.startsWith("drawbridge: no-open-egress:"))).toEqual([]);
    expect(line).toMatchObject({ exceptions: [`no-open-egress: ${by}`] });
    expect(line).not.toHaveProperty("lapsed");
    expect(counted).toEqual(['drawbridge_findings_total{rule="no-open-egress",mode="excepted"} 1']);
  });

  test("and covers no longer is told in the refusal and in the log, and counted as any", async () => {
    const { response, line, counted } = await judged("2026-11-20");
    const text = "NetworkException legacy has expired: it was until 2026-11-20";
    expect(response?.status?.message).toContain(`(${text}). Fix: `);
    expect(line).toMatchObject({ verdict: "denied", lapsed: [`no-open-egress: ${text}`] });
    expect(line).not.toHaveProperty("exceptions");
    expect(counted).toEqual(['drawbridge_findings_total{rule="no-open-egress",mode="enforce"} 1']);
  });
});

describe("connections", () => {
  test("outlive the 90 s for which an API server keeps them idle", () => {
    const { app } = start();
    const server = app.server as unknown as {
      keepAliveTimeout: number;
      headersTimeout: number;
      requestTimeout: number;
    };
    expect(server.keepAliveTimeout).toBeGreaterThan(90_000);
    expect(server.headersTimeout).toBeGreaterThan(server.keepAliveTimeout);
    expect(server.requestTimeout).toBeGreaterThan(0);
  });

  test("speak HTTP/1.1 and TLS 1.2 or newer, with a certificate for 127.0.0.1", async () => {
    const { app } = start();
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      const connection = connect({ port, host: "127.0.0.1", ca: ca.cert, ALPNProtocols: ["h2", "http/1.1"] }, () =>
        resolve(connection),
      );
      connection.on("error", reject);
    });
    expect([socket.alpnProtocol, socket.authorized]).toEqual(["http/1.1", true]);
    socket.destroy();
    await expect(
      new Promise((resolve, reject) =>
        connect({ port, host: "127.0.0.1", ca: ca.cert, maxVersion: "TLSv1.1" }, () => resolve(true)).on(
          "error",
          reject,
        ),
      ),
    ).rejects.toThrow();
  });

  test("are told to close while draining, and only then", async () => {
    let phase: "serving" | "draining" = "serving";
    const { app } = start({ phase: () => phase });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const connectionHeader = () =>
      new Promise<string | undefined>((resolve, reject) => {
        const body = JSON.stringify(admissionReview(admissionRequest("NetworkPolicy", { object: good })));
        const headers = { "content-type": "application/json", connection: "keep-alive" };
        httpsRequest(
          { port, host: "127.0.0.1", ca: ca.cert, method: "POST", path: "/validate", headers, agent: false },
          (response) => {
            response.resume();
            resolve(response.headers.connection);
          },
        )
          .on("error", reject)
          .end(body);
      });
    expect(await connectionHeader()).toBe("keep-alive");
    phase = "draining";
    expect(await connectionHeader()).toBe("close");
  });

  test("on which nothing was ever asked are not waited for when it closes", async () => {
    const { app } = start();
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    // As the server sees it: a client believes to be connected a moment earlier.
    const connected = once(app.server, "secureConnection");
    const socket = connect({ port, host: "127.0.0.1", ca: ca.cert });
    await connected;
    const closed = once(socket, "close");
    await app.close();
    await closed;
  });
});
