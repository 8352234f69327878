/**
 * For `node --import`: the clock of this process is ahead by as many milliseconds as the file that CLOCK_SHIFT names
 * holds. That is read at the start, and when SIGUSR2 comes. Timers and performance.now go on, as on a machine whose clock
 * is set.
 */
import { readFileSync } from "node:fs";

const real = Date.now;
let shift = 0;
const now = (): number => real() + shift;

function set(): void {
  shift = Number(readFileSync(process.env["CLOCK_SHIFT"] ?? "", "utf8"));
  process.stdout.write(`${JSON.stringify({ msg: "the clock is set", shift })}\n`);
}

set();
process.on("SIGUSR2", set);
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});
