import type { NetworkException } from "../config/exception.ts";
import type { Cap } from "../config/mode.ts";
import type { ConfigDocument, Validated } from "../config/validate.ts";
import { type Configuration, configure, type Documents } from "../engine/configuration.ts";
import { DocumentSet } from "../engine/document-set.ts";
import type { Problem } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import type { Governing } from "./finding.ts";
import { governingLabels, type SetContents } from "./set.ts";

/** Everything that a verdict depends on beside the object itself. */
export interface LintContext {
  readonly configuration: Configuration;
  readonly set: SetContents;
  readonly exceptionsIn: (namespace: string) => readonly NetworkException[];
  /** What is wrong with a document of our own kinds. */
  readonly problemsOf: (document: JsonObject) => readonly Problem[];
  /** Of objects that name none. */
  readonly defaultNamespace: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What in the set has a say. */
  readonly governing: readonly Governing[];
}

export interface Surroundings {
  /** What holds in namespaces without a mode label. */
  readonly mode: Cap;
  readonly embedded: Documents;
  /** Where documents are named as those that count, rulesets of the set do not. */
  readonly named?: DocumentSet;
  readonly check: (raw: unknown) => Validated<ConfigDocument>;
  readonly defaultNamespace: string;
  readonly now: number;
}

export function contextOf(set: SetContents, surroundings: Surroundings): LintContext {
  const { mode, embedded, named, check, defaultNamespace, now } = surroundings;
  const own = named ?? new DocumentSet();
  for (const { object, document: raw } of set.documents.values()) {
    const { document } = check(raw);
    if (document?.kind === "NetworkException") {
      own.set({ ...document, metadata: { ...document.metadata, namespace: object.namespace ?? defaultNamespace } });
    } else if (document !== undefined && named === undefined) own.set(document);
  }
  return {
    configuration: configure(mode, embedded, own),
    set,
    exceptionsIn: (name) => own.exceptionsIn(name),
    problemsOf: (raw) => check(raw).problems ?? [],
    defaultNamespace,
    now,
    governing: governingIn(set, named === undefined),
  };
}

function governingIn({ documents, namespaces }: SetContents, rulesetsCount: boolean): Governing[] {
  return [
    ...[...documents.values()]
      .filter(({ object }) => object.kind === "NetworkRuleset" || object.kind === "NetworkException")
      .map(({ object, file, line }) => {
        const counts = rulesetsCount || object.kind === "NetworkException";
        return { object, file, line, counts };
      }),
    ...[...namespaces].flatMap(([name, { labels: all, file, line }]) => {
      const labels = governingLabels(all);
      if (Object.keys(labels).length === 0) return [];
      return [{ object: { kind: "Namespace", name }, file, line, labels, counts: true }];
    }),
  ];
}
