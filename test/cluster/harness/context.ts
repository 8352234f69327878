import { afterAll, beforeAll, describe, inject } from "vitest";
import type { Binaries } from "./binaries.ts";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Found or built by globalSetup.ts, which has said so loudly when there are none. */
    readonly binaries: Binaries | undefined;
  }
}

export interface ClusterTests extends Omit<ClusterOptions, "binaries"> {
  /** Further programs, as findForTests() of programs.ts returns them. */
  readonly needs?: readonly (string | undefined)[];
}

/** Starting takes 3 s; a machine that is busy with other tests takes its time. */
const HOOK_LIMIT = 120_000;

/**
 * A describe() with a cluster of its own, as webhook configurations are cluster-wide. One per test file: inside, tests
 * use a namespace each. `cluster()` is for tests and hooks, as nothing runs yet when `body` is called. Skipped when the
 * binaries that it needs are missing.
 */
export function describeCluster(
  name: string,
  body: (cluster: () => Cluster) => void,
  { needs = [], ...options }: ClusterTests = {},
): void {
  const binaries = inject("binaries");
  const lacksController = options.controllerManager === true && !binaries?.kubeControllerManager;
  const lacksProgram = needs.includes(undefined);
  describe.skipIf(!binaries || lacksController || lacksProgram)(name, () => {
    let running: Cluster | undefined;
    beforeAll(async () => {
      if (binaries) running = await startCluster({ ...options, binaries });
    }, HOOK_LIMIT);
    afterAll(() => running?.stop(), HOOK_LIMIT);
    body(() => {
      if (!running) throw new Error("cluster() is for tests and hooks, and its start must not have failed");
      return running;
    });
  });
}
