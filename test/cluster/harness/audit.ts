import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { Cluster } from "./cluster.ts";

/** What is looked at of an event of the API server's audit log. */
export interface AuditEvent {
  readonly stage: "ResponseStarted" | "ResponseComplete" | "Panic";
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly requestReceivedTimestamp: string;
  /** When it was answered. */
  readonly stageTimestamp: string;
}

/** Where the log ends now: what is read from there on is younger. */
export function auditEnd({ auditLog = "" }: Cluster): number {
  return statSync(auditLog).size;
}

/** Each call once. A watch counts when it begins, as it may take longer than a test; all others when they are answered. */
export function auditedCalls({ auditLog = "" }: Cluster, from = 0): readonly AuditEvent[] {
  return textFrom(auditLog, from)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ stage, verb }) => stage === (verb === "watch" ? "ResponseStarted" : "ResponseComplete"));
}

/** Those of Drawbridge: clients of tests are to have another name. */
export function isOfDrawbridge({ userAgent }: AuditEvent): boolean {
  return userAgent === "drawbridge";
}

/** `networkpolicies`, `namespaces/status` */
export function resourceOf({ objectRef }: AuditEvent): string {
  const { resource = "", subresource } = objectRef ?? {};
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}

const WRITES = ["create", "update", "patch", "delete", "deletecollection"];
/** Questions that are put as a creation: nothing is stored. */
const QUESTIONS = /^(?:self)?subject(?:access|rules)?reviews$|^tokenreviews$/;

/** Whether it was to store something, be it granted or not. */
export function isWrite(event: AuditEvent): boolean {
  return WRITES.includes(event.verb) && !QUESTIONS.test(resourceOf(event)) && !event.requestURI.includes("dryRun=");
}

/** How often each kind of call was made, as `patch networkpolicies`, the most frequent first. */
export function countCalls(events: readonly AuditEvent[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    const kind = `${event.verb} ${resourceOf(event)}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}

function textFrom(file: string, from: number): string {
  const descriptor = openSync(file, "r");
  try {
    const rest = Buffer.alloc(Math.max(fstatSync(descriptor).size - from, 0));
    const read = readSync(descriptor, rest, 0, rest.length, from);
    return rest.toString("utf8", 0, read);
  } finally {
    closeSync(descriptor);
  }
}
