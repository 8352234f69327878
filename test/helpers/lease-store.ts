import type { Lease } from "../../src/cluster/lease-record.ts";
import { type Answer, refuse } from "./faulty-server.ts";

/** One Lease as an API server keeps it: HTTP 404 without it, 409 for a create or a replace that somebody has forestalled. */
export interface LeaseStore {
  readonly answer: Answer;
  readonly lease: Lease | undefined;
  /** By somebody else, past all rules. */
  set(lease: Lease | undefined): void;
}

export function leaseStore(): LeaseStore {
  let version = 1;
  let lease: Lease | undefined;
  const store = (next: Lease): Lease => {
    version += 1;
    lease = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } };
    return lease;
  };
  return {
    get lease() {
      return lease;
    },
    set: (next) => {
      if (next === undefined) lease = undefined;
      else store(next);
    },
    answer: (request, response) => {
      const { method, body } = request;
      if (lease === undefined && method !== "POST") refuse(404)(request, response);
      else if (method === "GET") response.end(JSON.stringify(lease));
      else {
        const sent = JSON.parse(body) as Lease;
        const isCurrent = sent.metadata?.resourceVersion === lease?.metadata?.resourceVersion;
        if (isCurrent) response.end(JSON.stringify(store(sent)));
        else refuse(409)(request, response);
      }
    },
  };
}
