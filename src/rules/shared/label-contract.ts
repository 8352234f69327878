import { pointer } from "../../model/json.ts";
import type { Labels } from "../../model/objects.ts";
import type { OptionSchemas, Violation } from "../rule.ts";
import { KEY_SCHEMA } from "./label-keys.ts";
import { plain } from "./plain.ts";

/** Options of the rules that ask for labels. */
export interface LabelContract {
  readonly labels: readonly string[];
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** What a label's value may be, but for the empty one, which counts as none. */
const VALUE_SCHEMA = { type: "string", maxLength: 63, pattern: "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$" };

/** `whom` completes "Label keys that ... must carry". */
export function contractOptions(whom: string, labels: readonly string[]): OptionSchemas<LabelContract> {
  return {
    labels: {
      ...KEY_SCHEMA,
      uniqueItems: true,
      description: `Label keys that ${whom} must carry, with a value that is not empty.`,
      default: labels,
    },
    values: {
      type: "object",
      additionalProperties: { type: "array", items: VALUE_SCHEMA, minItems: 1 },
      description:
        "Allowed values by label key, such as `{environment: [dev, prod]}`; a key that is not here may have any value.",
      default: {},
    },
  };
}

/**
 * What is missing or has a value that is not allowed, each at its key. An empty value is as none: it is what a template
 * leaves behind whose variable nobody has set. `harm` completes "label X is missing: ".
 */
export function contractViolations(
  carried: Labels,
  metadataPath: string,
  { labels, values }: LabelContract,
  harm: string,
): Violation[] {
  return [...new Set([...labels, ...Object.keys(values)])].flatMap((key) => {
    const value = Object.hasOwn(carried, key) ? carried[key] : "";
    const allowed = Object.hasOwn(values, key) ? values[key] : undefined;
    const path = pointer(metadataPath, "labels", key);
    const fix = allowed === undefined ? "add it" : `set it to ${oneOf(allowed)}`;
    if (!value) {
      if (!labels.includes(key)) return [];
      return [{ message: `label ${plain(key, "of the contract")} is missing: ${harm}`, path, fix }];
    }
    if (allowed === undefined || allowed.includes(value)) return [];
    return [{ message: `${plain(key, "label")}: ${plain(value, "this value")} is not allowed`, path, fix }];
  });
}

const MOST_VALUES = 8;

function oneOf(values: readonly string[]): string {
  if (values.length > MOST_VALUES)
    return `one of ${values.slice(0, MOST_VALUES).join(", ")} or ${values.length - MOST_VALUES} others`;
  return values.length > 1 ? `one of ${values.join(", ")}` : values.join();
}
