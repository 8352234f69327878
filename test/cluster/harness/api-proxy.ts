import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Answer, kubeconfigFor, recorded, type RecordedRequest } from "../../helpers/faulty-server.ts";
import type { Cluster } from "./cluster.ts";

/** Stands between one server and the API server, does what a test says, and counts. */
export interface ApiProxy {
  /** The admin's, by way of the proxy: a path. */
  readonly kubeconfig: string;
  /** Everything that was asked of the API server, whatever became of it. */
  readonly calls: readonly RecordedRequest[];
  /** From now on requests are answered so, and those for which there is no answer go through; by default all do. */
  answer(how?: (request: RecordedRequest) => Answer | undefined): void;
  openWatches(): number;
  cutWatches(): void;
  /** Nothing passes any more, in either direction, but connections are taken. */
  freeze(): void;
  /** What was held back passes. */
  thaw(): void;
  /** Cuts every connection and refuses new ones. */
  close(): Promise<void>;
  open(): Promise<void>;
  stop(): Promise<void>;
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { readonly "certificate-authority": string } }];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

export async function startApiProxy(cluster: Cluster, name: string): Promise<ApiProxy> {
  const { clusters, users } = JSON.parse(readFileSync(cluster.kubeconfigs.admin, "utf8")) as Kubeconfig;
  const agent = new Agent({ keepAlive: true, ca: readFileSync(clusters[0].cluster["certificate-authority"]) });
  const calls: RecordedRequest[] = [];
  const watches = new Set<ServerResponse>();
  let steer: (request: RecordedRequest) => Answer | undefined = () => undefined;
  let thawed = Promise.withResolvers<void>();
  thawed.resolve();

  const pass = async (incoming: IncomingMessage, request: RecordedRequest, response: ServerResponse): Promise<void> => {
    const { method, headers } = incoming;
    const sent = httpsRequest(`${cluster.url}${incoming.url}`, { method, headers, agent }).end(request.body);
    response.on("close", () => sent.destroy());
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    response.writeHead(answer.statusCode ?? 0, answer.headers).flushHeaders();
    if (request.kind === "watch") watches.add(response);
    response.on("close", () => watches.delete(response));
    for await (const piece of answer) {
      await thawed.promise;
      response.write(piece);
    }
    response.end();
  };
  const server = createServer((incoming, response) => {
    const handle = async (): Promise<void> => {
      const request = await recorded(incoming);
      calls.push(request);
      await thawed.promise;
      const answer = steer(request);
      if (answer !== undefined) answer(request, response);
      else if (!response.destroyed) await pass(incoming, request, response);
    };
    // The API server is away, or the other side has gone.
    handle().catch(() => response.destroy());
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };

  const port = await listen(0);
  const kubeconfig = join(cluster.directory, `${name}.kubeconfig`);
  writeFileSync(kubeconfig, kubeconfigFor(`http://127.0.0.1:${port}`, { user: users[0].user }));
  return {
    kubeconfig,
    calls,
    answer: (how = () => undefined) => {
      steer = how;
    },
    openWatches: () => watches.size,
    cutWatches: () => {
      for (const response of watches) response.destroy();
    },
    freeze: () => {
      thawed = Promise.withResolvers<void>();
    },
    thaw: () => thawed.resolve(),
    close,
    open: async () => void (await listen(port)),
    stop: async () => {
      thawed.resolve();
      if (server.listening) await close();
      agent.destroy();
    },
  };
}
