import { readFileSync } from "node:fs";

export interface ProcessUse {
  /** Resident, in bytes. */
  readonly memory: number;
  /** The most that it ever held. */
  readonly peak: number;
  readonly cpuSeconds: number;
}

/** In which Linux counts CPU time for whoever asks (USER_HZ), whatever its own clock does. */
const TICKS_PER_SECOND = 100;

/** What a process uses now, as Linux sees it. */
export function useOf(pid: number): ProcessUse {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  // The name, in brackets, may hold anything; utime and stime are the 12th and 13th after it.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  return { memory: bytes("VmRSS"), peak: bytes("VmHWM"), cpuSeconds };
}
