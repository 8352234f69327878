import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

/** What the numbers depend on; nothing that names the machine. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** Processes that wanted a core in the last minute, before the benchmark began: those of others. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    // 6.18 of 6.18.44-some-build: the rest says who built the kernel.
    system: [distribution(), type(), /^\d+\.\d+/.exec(release())?.[0], arch()].filter(Boolean).join(" "),
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** `Debian GNU/Linux 12 (bookworm),` */
function distribution(): string {
  try {
    const name = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    return name === undefined ? "" : `${name},`;
  } catch {
    return "";
  }
}
