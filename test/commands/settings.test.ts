import { describe, expect, test } from "vitest";
import type { ServeOptions } from "../../src/commands/serve/options.ts";
import { settingsOf } from "../../src/commands/serve/settings.ts";
import { InputError } from "../../src/model/errors.ts";

const MINIMAL: ServeOptions = { mode: "enforce", healthPort: 8080, logLevel: "info" };
const URL_ADDRESS = new URL("https://drawbridge.example:9443");
const SERVICE = { namespace: "drawbridge-system", name: "drawbridge", port: 443 };

describe("what follows from the options", () => {
  test.each<[string, Partial<ServeOptions>, object]>([
    ["alone", {}, { host: "127.0.0.1", port: 8443, drainMs: 0, names: ["localhost", "127.0.0.1"] }],
    [
      "a cluster without a registration",
      { kubeconfig: "k" },
      { cluster: { kubeconfig: "k" }, host: "127.0.0.1", port: 8443, drainMs: 10_000 },
    ],
    [
      "by URL",
      { kubeconfig: "k", webhookUrl: URL_ADDRESS, host: "192.0.2.1" },
      {
        address: { url: "https://drawbridge.example:9443" },
        host: "192.0.2.1",
        port: 9443,
        drainMs: 1_000,
        names: ["localhost", "127.0.0.1", "192.0.2.1", "drawbridge.example"],
      },
    ],
    ["by URL without a port", { kubeconfig: "k", webhookUrl: new URL("https://drawbridge.example") }, { port: 443 }],
    [
      "in a Pod, by Service: Pods call by several names, the API server by the first of them, both from elsewhere",
      { inCluster: true, service: SERVICE },
      {
        cluster: { serviceAccount: "/var/run/secrets/kubernetes.io/serviceaccount" },
        address: { service: SERVICE },
        host: "",
        port: 8443,
        drainMs: 5_000,
        names: [
          "localhost",
          "127.0.0.1",
          "drawbridge.drawbridge-system.svc",
          "drawbridge.drawbridge-system.svc.cluster.local",
          "drawbridge.drawbridge-system",
          "drawbridge",
        ],
      },
    ],
    [
      "in a Pod, probed from elsewhere",
      { inCluster: "/run/token" },
      { cluster: { serviceAccount: "/run/token" }, host: "" },
    ],
    ["localhost is one address", { host: "localhost" }, { host: "127.0.0.1", names: ["localhost", "127.0.0.1"] }],
    ["by Service from outside", { kubeconfig: "k", service: SERVICE }, { cluster: { kubeconfig: "k" }, host: "" }],
    [
      "what is said holds",
      { inCluster: true, service: SERVICE, host: "127.0.0.1", port: 1, drainSeconds: 2 },
      { host: "127.0.0.1", port: 1, drainMs: 2_000 },
    ],
  ])("%s", (_name, options, settings) => {
    expect(settingsOf({ ...MINIMAL, ...options })).toMatchObject(settings);
  });

  test("without a cluster there is none, and nothing to register", () => {
    expect(Object.keys(settingsOf(MINIMAL))).toEqual(["host", "port", "names", "drainMs"]);
  });
});

describe("options that contradict each other", () => {
  test.each<[Partial<ServeOptions>, RegExp]>([
    [{ kubeconfig: "k", inCluster: true }, /--in-cluster and --kubeconfig both say which cluster: give one of them/],
    [
      { kubeconfig: "k", webhookUrl: URL_ADDRESS, service: SERVICE },
      /--webhook-url and --service both say how .*: give one of them/,
    ],
    [
      { webhookUrl: URL_ADDRESS },
      /--webhook-url registers with a cluster: name it by --kubeconfig, or .* --in-cluster/,
    ],
    [{ service: SERVICE }, /--service registers with a cluster: name it by --kubeconfig, or in a Pod by --in-cluster/],
    [{ namespace: "x" }, /--namespace is a namespace of a cluster: name that by --kubeconfig, or .* --in-cluster/],
    [{ inCluster: true, certDir: "c" }, /--cert-dir is for a server that is alone/],
    [{ kubeconfig: "k", namespace: "n", certDir: "c" }, /--cert-dir is for a server that is alone/],
    [{ inCluster: true, policies: "p" }, /--policies is for use without a cluster; with one, `kubectl apply`/],
    [{ kubeconfig: "k", policies: "p" }, /--policies is for use without a cluster/],
  ])("%j", (options, message) => {
    const settle = () => settingsOf({ ...MINIMAL, ...options });
    expect(settle).toThrow(InputError);
    expect(settle).toThrow(message);
  });
});
