import { readFileSync } from "node:fs";
import { Agent, get as httpsGet } from "node:https";
import { createServer } from "node:net";

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
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
