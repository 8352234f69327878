import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "./log-level.ts";

export type { Logger } from "pino";

/**
 * JSON lines on standard output; times in UTC. Objects are never logged whole: they may hold secrets. Lines are written
 * together, at the latest after a tenth of a second and at every exit but a kill -9: one write for each cost as much as
 * the verdict it told of.
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = { level, base: { app: "drawbridge" }, timestamp: isoTimes() };
  return pino(options, destination ?? pino.destination({ sync: false, minLength: 16_000, periodicFlush: 100 }));
}

/** As pino's own isoTime, but a date is made once a second: made for each line it was a fifth of the line's cost. */
function isoTimes(): () => string {
  let [second, text] = [Number.NaN, ""];
  return () => {
    const now = Date.now();
    const ms = now % 1_000;
    if (now - ms !== second) {
      second = now - ms;
      text = `,"time":"${new Date(second).toISOString().slice(0, -"000Z".length)}`;
    }
    return `${text}${String(ms).padStart(3, "0")}Z"`;
  };
}
