import { generateKeyPairSync, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The people of the tests: cluster admin, platform engineer, tenant. */
export type UserName = "admin" | "platform" | "tenant";

export interface Files {
  readonly directory: string;
  readonly adminToken: string;
  readonly kubeconfigs: Readonly<Record<UserName, string>>;
  readonly controllerManagerKubeconfig: string;
  readonly schedulerKubeconfig: string;
  readonly tokenFile: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
  readonly certDirectory: string;
  /** Written by the API server when it first starts. */
  readonly caFile: string;
}

/** `baselines`: NetworkBaselines, and what they are for. */
export type Audited = "baselines" | "everything";

const AUDIT_RULES: Readonly<Record<Audited, readonly object[]>> = {
  baselines: [
    {
      level: "Metadata",
      resources: [
        { group: "networking.k8s.io", resources: ["networkpolicies"] },
        { group: "", resources: ["namespaces"] },
        { group: "drawbridge.dev", resources: ["networkbaselines", "networkbaselines/status"] },
      ],
    },
    { level: "None" },
  ],
  everything: [{ level: "Metadata" }],
};

/** Everything that the processes read at their start. */
export function writeFiles(directory: string, url: string, audited: Audited): Files {
  const write = (name: string, content: string) => {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
    return join(directory, name);
  };
  const certDirectory = join(directory, "certificates");
  const caFile = join(certDirectory, "apiserver.crt");
  const users = {
    admin: user("admin", "system:masters"),
    platform: user("platform-engineer", "platform-engineers"),
    tenant: user("tenant", "tenants"),
    // Their roles exist in every cluster; with --use-service-account-credentials the controllers have their own.
    controllerManager: user("system:kube-controller-manager", ""),
    scheduler: user("system:kube-scheduler", ""),
  };
  const kubeconfig = (key: keyof typeof users) =>
    write(`${key}.kubeconfig`, JSON.stringify(kubeconfigOf(url, caFile, users[key])));
  const keys = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return {
    directory,
    adminToken: users.admin.token,
    kubeconfigs: { admin: kubeconfig("admin"), platform: kubeconfig("platform"), tenant: kubeconfig("tenant") },
    controllerManagerKubeconfig: kubeconfig("controllerManager"),
    schedulerKubeconfig: kubeconfig("scheduler"),
    tokenFile: write("tokens.csv", Object.values(users).map(tokenLine).join("")),
    serviceAccountKey: write("service-account.key", keys.privateKey),
    serviceAccountPublicKey: write("service-account.pub", keys.publicKey),
    auditPolicy: write("audit-policy.json", JSON.stringify(auditPolicy(AUDIT_RULES[audited]))),
    auditLog: join(directory, "audit.log"),
    certDirectory,
    caFile,
  };
}

function auditPolicy(rules: readonly object[]): object {
  return { apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages: ["RequestReceived"], rules };
}

interface User {
  readonly name: string;
  /** objects.ts says what it may do. */
  readonly group: string;
  readonly token: string;
}

function user(name: string, group: string): User {
  return { name, group, token: randomUUID() };
}

/** `0b1c...,tenant,tenant,"tenants"` */
function tokenLine({ name, group, token }: User): string {
  return `${token},${name},${name},"${group}"\n`;
}

/** JSON is YAML. */
function kubeconfigOf(server: string, caFile: string, { name, token }: User) {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "drawbridge-test", cluster: { server, "certificate-authority": caFile } }],
    users: [{ name, user: { token } }],
    contexts: [{ name: "drawbridge-test", context: { cluster: "drawbridge-test", user: name } }],
    "current-context": "drawbridge-test",
  };
}
