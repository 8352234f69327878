/** A process of its own: what it takes to send requests must not be taken from the process that reads Drawbridge's log. */
import { type Connection, dryRunPath, openApi } from "./api.ts";
import { replyToParent } from "./child.ts";
import { percentile } from "./statistics.ts";

export interface Load {
  readonly connection: Connection;
  readonly namespace: string;
  /** The object to post; each request gives it another name. */
  readonly policy: { readonly metadata: object };
  /** Whichever comes first ends the load. */
  readonly requests: number;
  readonly seconds: number;
  readonly concurrency: number;
}

export interface LoadResult {
  /** All of them were answered by 201 and without a warning. */
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

if (process.connected) {
  process.on("message", (load: Load) => void replyToParent(generateLoad(load)));
  process.on("disconnect", () => process.exit(0));
}

let names = 0;

async function generateLoad(load: Load): Promise<LoadResult> {
  const api = openApi(load.connection, load.concurrency);
  const latencies: number[] = [];
  const path = dryRunPath(load.namespace);
  const bodyOf = bodies(load.policy);
  const start = performance.now();
  const end = start + load.seconds * 1000;
  let sent = 0;

  const sendInTurn = async (): Promise<void> => {
    while (sent < load.requests && performance.now() < end) {
      sent += 1;
      const sentAt = performance.now();
      const { status, warnings, text } = await api.send("POST", path, bodyOf(`policy-${names++}`));
      latencies.push(performance.now() - sentAt);
      if (status !== 201) throw new Error(`a request was answered by ${status}, not 201: ${text}`);
      if (warnings.length > 0) throw new Error(`a request was answered with a warning: ${warnings.join("; ")}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: load.concurrency }, sendInTurn));
  } finally {
    await api.close();
  }
  const perSecond = (latencies.length * 1000) / (performance.now() - start);
  return {
    requests: latencies.length,
    perSecond,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
  };
}

/** The JSON of the object by any name, without encoding it each time: the load generator is to be cheap. */
function bodies(policy: { readonly metadata: object }): (name: string) => string {
  const placeholder = "@name@";
  const text = JSON.stringify({ ...policy, metadata: { ...policy.metadata, name: placeholder } });
  const [before, after] = text.split(placeholder);
  return (name) => `${before}${name}${after}`;
}
