import type { TestProject } from "vitest/node";
import { type Binaries, findBinaries } from "./binaries.ts";
import { print, printLoudly } from "./loud.ts";
import { findForTests, programNames } from "./programs.ts";

/** Once per run, before the first test file. */
export default async function setup(project: TestProject): Promise<void> {
  const binaries = await findBinaries({ log: print });
  const problem = whatIsMissing(binaries);
  if (problem && process.env["CI"] === "true")
    throw new Error(`With CI=true no cluster test may be skipped: ${problem}`);
  if (problem) printLoudly(`CLUSTER TESTS ARE SKIPPED: ${problem}`);
  // All of them are run there, and to compile beside tests takes the machine from these.
  if (process.env["CI"] === "true") for (const name of programNames()) await findForTests(name);
  // context.ts declares it, and is where tests get it.
  project.provide("binaries", binaries);
}

function whatIsMissing(binaries: Binaries | undefined): string | undefined {
  if (!binaries) {
    return [
      "there is no kube-apiserver, etcd and kubectl.",
      "",
      "One of these gets them:",
      "  - install Go (https://go.dev/dl): the next run builds them, once, in about 6 minutes",
      "  - setup-envtest use 1.36, and set KUBEBUILDER_ASSETS to the folder that it names",
      "  - put etcd, kube-apiserver, kubectl and kube-controller-manager on the PATH",
    ].join("\n");
  }
  if (!binaries.kubeControllerManager) {
    return `some need kube-controller-manager, and there is none with ${binaries.kubeApiserver}.`;
  }
  return undefined;
}
