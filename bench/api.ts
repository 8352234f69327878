import { readFileSync } from "node:fs";
import { Pool } from "undici";

/** All that a client needs; plain data, so that it can be handed to another process. */
export interface Connection {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

export interface Answer {
  readonly status: number;
  /** Warnings that admission added. */
  readonly warnings: readonly string[];
  readonly text: string;
}

export interface Api {
  readonly connection: Connection;
  send(method: "GET" | "POST", path: string, body?: object | string): Promise<Answer>;
  close(): Promise<void>;
}

const NETWORKING = "/apis/networking.k8s.io/v1";

export const policiesPath = (namespace: string): string => `${NETWORKING}/namespaces/${namespace}/networkpolicies`;

/** Where the measured requests go: admission decides about them as about any other, and nothing is stored. */
export const dryRunPath = (namespace: string): string => `${policiesPath(namespace)}?dryRun=All`;

/** Drawbridge's own client is part of what is measured, so the benchmark has one of its own, and a thin one. */
export function openApi(connection: Connection, connections = 1): Api {
  // HTTP/1.1, so that the concurrency is the number of connections.
  const pool = new Pool(connection.url, { connections, allowH2: false, connect: { ca: connection.ca } });
  const headers = { authorization: `Bearer ${connection.token}`, "content-type": "application/json" };
  return {
    connection,
    async send(method, path, body) {
      const text = typeof body === "object" ? JSON.stringify(body) : body;
      const answer = await pool.request({ method, path, headers, ...(text !== undefined && { body: text }) });
      const warnings = answer.headers["warning"] ?? [];
      return {
        status: answer.statusCode,
        warnings: typeof warnings === "string" ? [warnings] : warnings,
        text: await answer.body.text(),
      };
    },
    close: () => pool.close(),
  };
}

/** Creates an object. Throws on anything but 201. */
export async function create(api: Api, path: string, object: object): Promise<void> {
  const { status, text } = await api.send("POST", path, object);
  if (status !== 201) throw new Error(`POST ${path} was answered by ${status}: ${text}`);
}

/** The harness writes kubeconfigs as JSON, which is YAML. */
export function readConnection(kubeconfig: string): Connection {
  const { clusters, users }: Kubeconfig = JSON.parse(readFileSync(kubeconfig, "utf8"));
  const cluster = clusters[0]?.cluster;
  const token = users[0]?.user.token;
  if (cluster === undefined || token === undefined)
    throw new Error("the harness's kubeconfig has no server or no token");
  return { url: cluster.server, ca: readFileSync(cluster["certificate-authority"], "utf8"), token };
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly "certificate-authority": string };
  }[];
  readonly users: readonly { readonly user: { readonly token: string } }[];
}
