import { endOf } from "../../model/dates.ts";
import { at, isRecord } from "../../model/json.ts";
import { SUSPENDED_ANNOTATION } from "../../model/names.ts";
import type { KubernetesObject } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";

/** Break-glass is for hours: what is to last is a matter of modes. */
const MOST_MS = 24 * 60 * 60 * 1000;

export type Suspension =
  | { readonly until: number }
  /** Why the annotation does not count. */
  | { readonly problem: string };

/**
 * What the annotation of a ValidatingWebhookConfiguration says; undefined where there is none. It is measured from when
 * it was written, as managedFields tell: one that was too far away must not come into force by and by.
 */
export function suspensionOf({ metadata = {} }: KubernetesObject, now: number): Suspension | undefined {
  const value = metadata.annotations?.[SUSPENDED_ANNOTATION];
  if (value === undefined) return undefined;
  const until = momentOf(value);
  if (until === undefined) return { problem: "it is not a time such as 2026-11-21T18:00:00Z" };
  const times = (metadata.managedFields ?? [])
    .filter(({ fieldsV1 }) => isWritten(fieldsV1))
    .map(({ time = "" }) => Date.parse(time))
    .filter((time) => !Number.isNaN(time));
  const writtenAt = times.length === 0 ? now : Math.min(now, Math.max(...times));
  return until - writtenAt > MOST_MS ? { problem: "it is more than 24 hours ahead" } : { until };
}

/** RFC 3339. Date alone would read the 31st of February as a day in March. */
function momentOf(text: string): number | undefined {
  const [, local] = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/.exec(text) ?? [];
  const moment = Date.parse(text);
  return local === undefined || endOf(`${local}Z`) === undefined || Number.isNaN(moment) ? undefined : moment;
}

function isWritten(fields: unknown): boolean {
  const annotations = at(fields, "/f:metadata/f:annotations");
  return isRecord(annotations) && Object.hasOwn(annotations, `f:${SUSPENDED_ANNOTATION}`);
}

export interface SuspensionWatch {
  /** To be called with what the API server has now, whenever it has changed. */
  readonly see: (configuration: KubernetesObject | undefined) => void;
  /** Milliseconds since 1970, while it has not come. */
  readonly until: () => number | undefined;
  readonly stop: () => void;
}

/** What a server knows of being suspended. It says when that begins, ends, or is asked for in vain. */
export function watchSuspension(log: Logger, now: () => number): SuspensionWatch {
  let seen: string | undefined;
  let until: number | undefined;
  let end: NodeJS.Timeout | undefined;
  const finish = (): void => {
    clearTimeout(end);
    if (until !== undefined) log.warn("the suspension has ended: what breaks rules is refused again");
    until = undefined;
  };
  return {
    see: (configuration) => {
      const value = configuration?.metadata?.annotations?.[SUSPENDED_ANNOTATION];
      if (value === seen) return;
      seen = value;
      const suspension = configuration && suspensionOf(configuration, now());
      if (suspension === undefined || "problem" in suspension || suspension.until <= now()) {
        finish();
        if (suspension !== undefined && "problem" in suspension) {
          log.error({ value, problem: suspension.problem }, `the annotation ${SUSPENDED_ANNOTATION} is ignored`);
        }
        return;
      }
      clearTimeout(end);
      until = suspension.until;
      end = setTimeout(finish, until - now());
      end.unref();
      log.warn({ until: value }, "suspended: until then nothing is refused");
    },
    until: () => (until !== undefined && now() < until ? until : undefined),
    stop: () => clearTimeout(end),
  };
}
