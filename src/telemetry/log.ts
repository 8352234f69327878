import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "./log-level.ts";

export type { Logger } from "pino";

/**
 * JSON lines on standard output; times in UTC. Objects are never logged whole: they may hold secrets. Lines are written
 * together, at the latest after a tenth of a second and at every exit but a kill -9: one write for each cost as much as
 * the verdict it told of.
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = { level, base: { app: "drawbridge" }, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, destination ?? pino.destination({ sync: false, minLength: 4096, periodicFlush: 100 }));
}
