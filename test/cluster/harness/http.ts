import { readFileSync } from "node:fs";
import { Agent, type Dispatcher, request } from "undici";
import type { Cluster } from "./cluster.ts";

/** What an API server answers, with the warnings that a client would show. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: { readonly message?: string };
  readonly warnings: readonly string[];
}

export interface ApiClient {
  readonly send: (
    method: "POST" | "PUT" | "PATCH",
    path: string,
    object: object,
    contentType: string,
    as?: Impersonated,
  ) => Promise<ApiAnswer>;
  readonly close: () => Promise<void>;
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { readonly "certificate-authority": string } }];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

export interface Impersonated {
  readonly user: string;
  readonly group: string;
}

/** Requests as kubectl sends them, but some thousand in a few seconds; as the admin, or as whom they name. */
export function connectHttp(cluster: Cluster): ApiClient {
  const { clusters, users } = JSON.parse(readFileSync(cluster.kubeconfigs.admin, "utf8")) as Kubeconfig;
  const ca = readFileSync(clusters[0].cluster["certificate-authority"]);
  const dispatcher: Dispatcher = new Agent({ connect: { ca }, connections: 8 });
  return {
    send: async (method, path, object, contentType, as) => {
      const headers = {
        authorization: `Bearer ${users[0].user.token}`,
        "content-type": contentType,
        ...(as && { "impersonate-user": as.user, "impersonate-group": as.group }),
      };
      const options = { method, headers, body: JSON.stringify(object), dispatcher };
      const answer = await request(`${cluster.url}${path}`, options);
      return {
        status: answer.statusCode,
        body: (await answer.body.json()) as ApiAnswer["body"],
        warnings: [answer.headers["warning"] ?? []].flat().flatMap(warningTexts),
      };
    },
    close: () => dispatcher.close(),
  };
}

/** `299 - "one", 299 - "another"` (RFC 7234), with quotes and backslashes escaped. */
function warningTexts(header: string): string[] {
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text.replaceAll(/\\(.)/g, "$1"));
}
