import type { Machine } from "./machine.ts";
import { table } from "./table.ts";

/** How often each kind of call was made. */
export type Calls = ReadonlyMap<string, number>;

/** What the numbers of a whole cluster on one machine depend on. */
export function described(machine: Machine, kubernetes: string, date: Date): string {
  return [
    `- Machine: ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB; ${machine.system}`,
    `- Node.js ${machine.node}, Kubernetes ${kubernetes.replace(/^v/, "")} (API server, etcd without fsync, on the same machine)`,
    `- ${date.toISOString().slice(0, 10)}; load average before the run ${machine.loadBefore.toFixed(2)}`,
  ].join("\n");
}

export function callsTable(calls: Calls): string {
  return table(
    ["call", "times"],
    [...calls].map(([call, count]) => [call, `${Math.round(count)}`]),
  );
}

/** Without those that are rarer than one in a hundred. */
export function perNamespace(calls: Calls, namespaces: number): string[][] {
  return [...calls]
    .filter(([, count]) => count >= namespaces / 100)
    .map(([call, count]) => [call, (count / namespaces).toFixed(2)]);
}

export function sum(calls: Calls): number {
  return [...calls.values()].reduce((total, count) => total + count, 0);
}

/** Of 1,000,000 bytes. */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

export function number(value: number): string {
  return value.toLocaleString("en");
}
