import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/cluster/harness/globalSetup.ts"],
    pool: "forks",
    // A cluster per file, 300 MB and most of a core each while it starts.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
