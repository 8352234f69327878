import { CAPS, type Cap } from "../../config/mode.ts";
import { BASELINE_LABEL, FIELD_MANAGER, MANAGED_BY_LABEL, MODE_LABEL } from "../../model/names.ts";
import type { Requirement, Selector } from "../../model/selector.ts";

/**
 * Pieces of CEL, the language of conditions in the API server. They read every field as optional, so they never fail:
 * an expression that fails is decided by failurePolicy, not by what it says.
 */

/** JSON's texts are texts of CEL. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

export function list(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(", ")}]`;
}

/** `matches` of model/selector.ts on an expression of a map; a test asks the API server whether it is. */
export function selects(selector: Selector, labels: string): string {
  const parts = selector.requirements.map((requirement) => holds(requirement, labels));
  return parts.length === 0 ? "true" : parts.join(" && ");
}

function holds({ key, operator, values }: Requirement, labels: string): string {
  const isThere = `${quoted(key)} in ${labels}`;
  const isListed = `${labels}[${quoted(key)}] in ${list(values)}`;
  switch (operator) {
    case "In":
      return `(${isThere} && ${isListed})`;
    case "NotIn":
      return `!(${isThere} && ${isListed})`;
    case "Exists":
      return `(${isThere})`;
    case "DoesNotExist":
      return `!(${isThere})`;
    default:
      return "false";
  }
}

export function labelsOf(object: string): string {
  return `${object}.metadata.?labels.orValue({})`;
}

/** `cap` of governanceOf (engine/configuration.ts): what holds where labels are these and the installation's mode is that. */
export function capOf(labels: string, mode: Cap): string {
  const label = `${labels}[?${quoted(MODE_LABEL)}].orValue("")`;
  return `(${label} in ${list(CAPS)} ? ${label} : ${quoted(mode)})`;
}

/** As `isOwn` of server/own.ts. */
export function isOwn(user: string): string {
  const isByName = `request.userInfo.username == ${quoted(user)}`;
  const isManaged = `request.?options.?fieldManager.orValue("") == ${quoted(FIELD_MANAGER)}`;
  const isOfVersion = "request.?options.?preconditions.?resourceVersion.hasValue()";
  return `(${isByName} && (request.operation == "DELETE" ? ${isOfVersion} : ${isManaged}))`;
}

/** `isOfBaseline` of baseline/protection.ts, of what may be null. */
export function isOfBaseline(object: string): string {
  const label = (key: string) => `${object}.metadata.?labels[?${quoted(key)}]`;
  return (
    `(${object} != null && ${label(MANAGED_BY_LABEL)}.orValue("") == ${quoted(FIELD_MANAGER)} && ` +
    `${label(BASELINE_LABEL)}.hasValue())`
  );
}
