import type { NetworkException } from "../config/exception.ts";
import type { Cap } from "../config/mode.ts";
import type { ConfigDocument, Validated } from "../config/validate.ts";
import { type Configuration, configure, type Documents } from "../engine/configuration.ts";
import { DocumentSet } from "../engine/document-set.ts";
import { snapshotIn } from "../engine/snapshot.ts";
import { findBackends } from "../model/backends.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { Problem } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import { MODE_LABEL, NAMESPACE_NAME_LABEL, RULESET_LABEL } from "../model/names.ts";
import { toSelector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Governing } from "./finding.ts";
import { governingLabels, type SetContents } from "./set.ts";

/** Everything that a verdict depends on beside the object itself. */
export interface LintContext {
  readonly configuration: Configuration;
  readonly set: SetContents;
  readonly exceptionsIn: (namespace: string) => readonly NetworkException[];
  /** What the set says of a namespace beside the object that is judged; undefined: nothing that matters. */
  readonly snapshotIn: (namespace: string) => Snapshot | undefined;
  /** What is wrong with a document of our own kinds. */
  readonly problemsOf: (document: JsonObject) => readonly Problem[];
  /** Of objects that name none. */
  readonly defaultNamespace: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The labels of Namespaces that say how what is in them is judged. */
  readonly governingKeys: ReadonlySet<string>;
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
  const configuration = configure(mode, embedded, own);
  const called = findBackends([...set.callers, ...set.services.values()]);
  const backends = Map.groupBy(called, ({ namespace }) => namespace);
  const policiesIn = (namespace: string): readonly NetworkPolicy[] => set.policies.get(namespace) ?? [];
  const governingKeys = governingKeysOf(configuration);
  return {
    configuration,
    set,
    exceptionsIn: (name) => own.exceptionsIn(name),
    snapshotIn: (namespace) => snapshotIn(namespace, { backends }, { isWhole: true, policiesIn }),
    problemsOf: (raw) => check(raw).problems ?? [],
    defaultNamespace,
    now,
    governingKeys,
    governing: governingIn(set, governingKeys, named === undefined),
  };
}

/** Also what permanent exceptions choose namespaces by: whoever writes such a label excepts himself. */
function governingKeysOf({ rulesets }: Configuration): ReadonlySet<string> {
  const chosenBy = [...rulesets.values()]
    .flatMap(({ exceptions }) => exceptions.permanent)
    .flatMap(({ namespaces: { selector } }) => toSelector(selector, "").requirements.map(({ key }) => key));
  // The name is what the Namespace is called, whatever it says.
  return new Set([RULESET_LABEL, MODE_LABEL, ...chosenBy.filter((key) => key !== NAMESPACE_NAME_LABEL)]);
}

function governingIn(
  { documents, namespaces }: SetContents,
  keys: ReadonlySet<string>,
  rulesetsCount: boolean,
): Governing[] {
  return [
    ...[...documents.values()]
      .filter(({ object }) => object.kind === "NetworkRuleset" || object.kind === "NetworkException")
      .map(({ object, file, line }) => {
        const counts = rulesetsCount || object.kind === "NetworkException";
        return { object, file, line, counts };
      }),
    ...[...namespaces].flatMap(([name, { labels: all, file, line }]) => {
      const labels = governingLabels(all, keys);
      if (Object.keys(labels).length === 0) return [];
      return [{ object: { kind: "Namespace", name }, file, line, labels, counts: true }];
    }),
  ];
}
