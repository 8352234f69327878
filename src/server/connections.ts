import type { TLSSocket } from "node:tls";
import type { FastifyInstance } from "fastify";

/**
 * When the app closes, closes the connections on which nothing was ever asked: Go opens one more than it needs now and
 * then. Those that are idle Node closes by itself, but it takes these for busy, and would wait for headersTimeout.
 */
export function closeUnused(app: FastifyInstance): void {
  const unused = new Set<TLSSocket>();
  app.server.on("secureConnection", (socket: TLSSocket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  app.server.on("request", ({ socket }) => unused.delete(socket as TLSSocket));
  app.addHook("preClose", async () => {
    for (const socket of unused) socket.destroy();
  });
}
