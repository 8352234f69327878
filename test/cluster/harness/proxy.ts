import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Backend {
  readonly port: number;
  /** Asked for every new connection, as a Service asks a Pod's readiness. Default: always. */
  readonly isReady?: () => boolean;
}

export interface Proxy {
  readonly port: number;
  /** From now on new connections go to these; those that are open stay where they are. */
  use(backends: readonly Backend[]): void;
  /** Connections that found nobody to go to. */
  readonly refused: number;
  /** How many connections each port has been given. */
  readonly connections: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

/** What a Service is to Pods: TCP on 127.0.0.1, passed on to the backends in turn, to the next where one refuses. */
export async function startProxy(backends: readonly Backend[] = []): Promise<Proxy> {
  let current = backends;
  let turn = 0;
  let refused = 0;
  const connections = new Map<number, number>();
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  };

  const pass = (from: Socket, ports: readonly number[]): void => {
    const [port, ...others] = ports;
    if (port === undefined) {
      refused += 1;
      from.destroy();
      return;
    }
    const to = keep(connect(port, "127.0.0.1"));
    const next = (): void => pass(from, others);
    to.once("error", next);
    to.once("connect", () => {
      to.off("error", next);
      connections.set(port, (connections.get(port) ?? 0) + 1);
      from.pipe(to).pipe(from);
      from.on("close", () => to.destroy());
      to.on("close", () => from.destroy());
    });
  };

  const server = createServer((socket) => {
    const ready = current.filter(({ isReady = () => true }) => isReady()).map(({ port }) => port);
    turn += 1;
    const first = ready.length === 0 ? 0 : turn % ready.length;
    pass(keep(socket), [...ready.slice(first), ...ready.slice(0, first)]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    use: (next) => {
      current = next;
    },
    get refused() {
      return refused;
    },
    connections,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
