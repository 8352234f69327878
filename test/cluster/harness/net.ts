import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, get as httpsGet } from "node:https";
import { createServer } from "node:net";

/** Below those that systems give to connections that go out (32768 on Linux): such a one would be taken again at once. */
const [FIRST_PORT, PORTS] = [15_000, 15_000];

/** A port of 127.0.0.1 that was free a moment ago, and that nobody is given who does not ask for it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + randomInt(PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** The status, or undefined when nobody answers (yet). */
export function get(url: string, caFile: string, token: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const none = () => resolve(undefined);
    const ca = readIfExists(caFile);
    // The API server writes its certificate while it starts.
    if (!ca) return none();
    // An agent of its own: no proxy from the environment, no connection kept.
    const options = { agent: new Agent({ ca }), headers: { authorization: `Bearer ${token}` }, timeout: 2_000 };
    const request = httpsGet(url, options, (response) => {
      response.on("error", none).on("end", () => resolve(response.statusCode));
      response.resume();
    });
    request.on("error", none).on("timeout", () => request.destroy(new Error("timeout")));
  });
}

function readIfExists(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
