import { WORKLOAD_KINDS } from "../../model/workload.ts";

/**
 * When the API server asks us about a Pod or a workload at all: CEL, evaluated in its own process, so that what we would
 * pass without a look costs no call. All must hold. Fields are read as optional throughout: with failurePolicy Ignore an
 * error would mean that the object is not judged.
 */
export const WORKLOAD_CONDITIONS: readonly { readonly name: string; readonly expression: string }[] = [
  {
    // As isMadeByWorkload (model/workload.ts) has it. The Pods of a Deployment, that is: most Pods of most clusters.
    name: "is-not-made-by-a-workload",
    expression:
      "!object.?metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false) == true && " +
      `(${groupOf("owner")} + '/' + owner.?kind.orValue('')) in ${list(WORKLOAD_KINDS.map(({ group, kind }) => `${group}/${kind}`))})`,
  },
  {
    // A new status, another number of replicas, a label that a controller puts on its Deployment: all without a call.
    name: "changes-what-rules-look-at",
    expression: `request.operation == 'CREATE' || (${differsByKind()})`,
  },
];

/** `apps` of `apps/v1`, nothing of `v1`. */
function groupOf(owner: string): string {
  const apiVersion = `${owner}.?apiVersion.orValue('')`;
  return `(${apiVersion}.contains('/') ? ${apiVersion}.split('/')[0] : '')`;
}

function list(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(", ")}]`;
}

/** Each kind has its Pod at one of few places. */
function differsByKind(): string {
  const places = Map.groupBy(WORKLOAD_KINDS, ({ podPath }) => podPath);
  return [...places]
    .map(([podPath, kinds]) => `request.kind.kind in ${list(kinds.map(({ kind }) => kind))} && (${differs(podPath)})`)
    .join(" || ");
}

/** What `Workload` (model/workload.ts) holds of a Pod. */
function differs(podPath: string): string {
  const pod = podPath.replaceAll("/", ".?");
  return [`${pod}.?metadata.?labels.orValue({})`, `${pod}.?spec.?hostNetwork.orValue(false)`]
    .map((field) => `object${field} != oldObject${field}`)
    .join(" || ");
}
