import {
  type BaselineCondition,
  type NetworkBaselineStatus,
  STATES,
  type State,
  UNFINISHED,
  UNGOVERNED,
  type UngovernedState,
} from "../config/baseline-status.ts";
import { canonical, isRecord, items } from "../model/json.ts";
import { printableUpTo } from "../model/printable.ts";
import type { Unarmed } from "./resolve.ts";

/** How one namespace stands with a baseline. */
export interface Standing {
  readonly state: State | UngovernedState;
  /** What hinders it; of one that is not governed, what it would get, or keeps. */
  readonly message?: string;
}

export interface StandingNamespace extends Standing {
  readonly name: string;
  /** RFC 3339: since when it stands so, as far as is known. */
  readonly since: string;
}

/** Why changes of a baseline come to no other namespace. */
export interface Standstill {
  readonly reason: "Halted" | "Paused";
  /** Namespaces that wait for their turn. */
  readonly waiting: number;
  /** Those that have failed, by name. */
  readonly failed: readonly string[];
}

/** A namespace that several baselines select. */
export interface Overlap {
  readonly namespace: string;
  /** Their names; the first applies. */
  readonly baselines: readonly string[];
}

export interface StatusInput {
  /** Of the object as it is now. */
  readonly generation: number;
  /** Why this generation is not in force. */
  readonly problem?: string | undefined;
  /** Why its policies cannot be made. */
  readonly unarmed?: Unarmed | undefined;
  /** Why its changes come to no other namespace. */
  readonly standstill?: Standstill | undefined;
  readonly namespaces: readonly StandingNamespace[];
  /** Those in which it takes part. */
  readonly overlaps: readonly Overlap[];
  /** The status as it is now, whatever that is. */
  readonly before: unknown;
  /** RFC 3339 */
  readonly now: string;
}

/** Namespaces shown of each state. */
const MOST_LISTED = 5;
const MOST_IN_MESSAGE = 3;
const MOST_CHARACTERS = 256;
/** What is wrong with a document may take more than one sentence. The API server's own limit is 32,768. */
const MOST_OF_CONDITION = 1_024;

/**
 * What is to be known of a baseline. Its size is bounded however many namespaces there are, and it is the same whatever
 * their order. Where nothing is new since `before`, it is equal to that: the times stay.
 */
export function baselineStatus(input: StatusInput): NetworkBaselineStatus {
  const { generation, before, now } = input;
  const namespaces = input.namespaces.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const of = (state: Standing["state"]) => namespaces.filter((one) => one.state === state);
  const countsOf = <T extends Standing["state"]>(states: readonly T[]) =>
    Object.fromEntries(states.map((state) => [state, of(state).length])) as Record<T, number>;
  const first = <T extends Standing["state"]>(states: readonly T[]) =>
    states.flatMap((state) =>
      of(state)
        .slice(0, MOST_LISTED)
        .map((one) => shown({ ...one, state })),
    );
  const governed = STATES.flatMap(of).length;
  return {
    observedGeneration: generation,
    namespaces: { governed, ...countsOf(STATES), ...countsOf(UNGOVERNED) },
    unfinished: first(UNFINISHED),
    ungoverned: first(UNGOVERNED),
    conditions: [ready({ ...input, namespaces }, governed), overlapping(input.overlaps)].map((condition) => ({
      ...condition,
      message: printableUpTo(condition.message, MOST_OF_CONDITION),
      lastTransitionTime: transitionOf(condition, before) ?? now,
      observedGeneration: generation,
    })),
  };
}

/** Does a stored status say all that is wanted? Others may have added conditions of their own. */
export function saysAll(stored: unknown, wanted: NetworkBaselineStatus): boolean {
  if (!isRecord(stored)) return false;
  const types = wanted.conditions.map(({ type }) => type);
  const ours = items(stored["conditions"]).filter((one) => isRecord(one) && types.some((type) => one["type"] === type));
  const byType = (a: unknown, b: unknown): number => (canonical(a) < canonical(b) ? -1 : 1);
  const sorted = (status: object, conditions: readonly unknown[]) =>
    canonical({ ...status, conditions: conditions.toSorted(byType) });
  return sorted(stored, ours) === sorted(wanted, wanted.conditions);
}

/** Since when a status says this of a namespace; undefined if it says nothing of it, or something else. */
export function toldSince(status: unknown, name: string, standing: Standing): string | undefined {
  const { state, message } = standing;
  const wanted = shown({ name, state, message, since: "" });
  const { unfinished, ungoverned } = isRecord(status) ? status : {};
  const entry = [...items(unfinished), ...items(ungoverned)].find(
    (one) => isRecord(one) && canonical({ ...one, since: "" }) === canonical(wanted),
  );
  return isRecord(entry) && typeof entry["since"] === "string" ? entry["since"] : undefined;
}

function shown<T extends Standing["state"]>({ name, state, message, since }: Shown<T>) {
  return { name, state, ...(message !== undefined && { message: printableUpTo(message, MOST_CHARACTERS) }), since };
}

interface Shown<T> {
  readonly name: string;
  readonly state: T;
  readonly message?: string | undefined;
  readonly since: string;
}

type Said = Pick<BaselineCondition, "type" | "status" | "reason" | "message">;

/** The worst of what is the matter. */
function ready({ namespaces, problem, unarmed, standstill }: StatusInput, governed: number): Said {
  const no = (reason: string, message: string): Said => ({ type: "Ready", status: "False", reason, message });
  if (problem !== undefined) return no("Invalid", problem);
  if (unarmed !== undefined) return no(unarmed.reason, `it is given to no namespace: ${unarmed.why}`);
  const names = (state: State) => namespaces.filter((one) => one.state === state).map(({ name }) => name);
  const [conflict, failed, pending] = [names("conflict"), names("failed"), names("pending")];
  const all = `of ${governed} namespaces`;
  if (standstill !== undefined) {
    const { reason, waiting, failed: begun } = standstill;
    const waits = `${waiting} ${all} wait for a change of it`;
    if (reason === "Paused") return no(reason, `${waits}, as spec.rollout.paused is true`);
    return no(reason, `${waits}, as it has failed in ${begun.length}: ${some(begun)}`);
  }
  if (conflict.length > 0) {
    return no("Conflict", `in ${conflict.length} ${all} something of somebody else is in the way: ${some(conflict)}`);
  }
  if (failed.length > 0) {
    return no("Failed", `in ${failed.length} ${all} policies could not be written: ${some(failed)}`);
  }
  if (pending.length > 0) return no("Pending", `${pending.length} ${all} wait for policies: ${some(pending)}`);
  const message = governed === 0 ? "it governs no namespace" : "every namespace that it governs has its policies";
  return { type: "Ready", status: "True", reason: "Finished", message };
}

function overlapping(overlaps: readonly Overlap[]): Said {
  const type = "Overlapping";
  if (overlaps.length === 0) {
    const message = "no namespace that it selects is selected by another NetworkBaseline";
    return { type, status: "False", reason: "Alone", message };
  }
  const namespaces = overlaps
    .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1))
    .map(({ namespace, baselines }) => `${namespace} (${some(baselines)})`);
  const message = `of several NetworkBaselines that select a namespace the first by name applies: ${some(namespaces)}`;
  return { type, status: "True", reason: "FirstByNameApplies", message };
}

/** `a, b, c and 4 more` */
function some(names: readonly string[]): string {
  const first = names.slice(0, MOST_IN_MESSAGE).join(", ");
  return names.length <= MOST_IN_MESSAGE ? first : `${first} and ${names.length - MOST_IN_MESSAGE} more`;
}

/** When the condition became what it is; undefined if it is becoming that now. */
function transitionOf({ type, status }: Said, before: unknown): string | undefined {
  const stored = items(isRecord(before) ? before["conditions"] : undefined).find(
    (one) => isRecord(one) && one["type"] === type,
  );
  if (!isRecord(stored) || stored["status"] !== status) return undefined;
  const time = stored["lastTransitionTime"];
  return typeof time === "string" ? time : undefined;
}
