import type { FencedClient } from "../cluster/fence.ts";
import { paths } from "../cluster/paths.ts";
import { timestamp } from "../model/dates.ts";
import { FIELD_MANAGER } from "../model/names.ts";
import type { KubernetesObject } from "../model/objects.ts";
import { printableUpTo } from "../model/printable.ts";
import type { Logger } from "../telemetry/log.ts";

export interface Notice {
  readonly type: "Normal" | "Warning";
  /** In UpperCamelCase, as machines read it. */
  readonly reason: string;
  readonly message: string;
}

export type Recorder = (about: KubernetesObject, notice: Notice, client: Pick<FencedClient, "create">) => void;

/** The API server takes 1,024 bytes. */
const MOST_CHARACTERS = 1_000;

/** What is lost beyond it the log still has: 100 at once, and 2 a second. */
const MOST_AT_ONCE = 100;
const PER_MS = 2 / 1_000;

/** Of them kept for warnings: a baseline that comes to thousands of namespaces tells each, and may halt at one of them. */
const KEPT_FOR_WARNINGS = 50;

const LIMIT_MS = 5_000;

/**
 * Writes Events: about namespaces into these, where those who own them may read them, and about what is in no namespace
 * into `default`, where Kubernetes has them. Best effort: nothing waits for it, and nothing fails with it.
 * @param now milliseconds since 1970
 */
export function eventRecorder(log: Logger, now: () => number): Recorder {
  let left = MOST_AT_ONCE;
  let last = now();
  return (about, { type, reason, message }, client) => {
    const at = now();
    left = Math.min(MOST_AT_ONCE, left + Math.max(0, at - last) * PER_MS);
    last = at;
    if (left < (type === "Warning" ? 1 : KEPT_FOR_WARNINGS)) return;
    left -= 1;
    const involvedObject = involved(about);
    const { namespace = "default" } = involvedObject;
    const time = timestamp(at);
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${FIELD_MANAGER}-`, namespace },
      involvedObject,
      type,
      reason,
      message: printableUpTo(message, MOST_CHARACTERS),
      source: { component: FIELD_MANAGER },
      reportingComponent: FIELD_MANAGER,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
    };
    client.create(paths.events(namespace), event, { timeoutMs: LIMIT_MS }).catch((error: unknown) => {
      log.info({ namespace, reason, error: String(error) }, "an Event could not be written");
    });
  };
}

/** Items of the API server's lists do not say what they are. */
function involved({ apiVersion = "v1", kind = "Namespace", metadata }: KubernetesObject) {
  const { name = "", uid } = metadata ?? {};
  // With a namespace, or the API server would want it in `default`, which owners of namespaces cannot read.
  return { apiVersion, kind, name, uid, ...(kind === "Namespace" && { namespace: name }) };
}
