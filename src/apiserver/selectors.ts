import { isRecord, items } from "../model/json.ts";
import { checkLabels } from "./metadata.ts";
import { show } from "../model/printable.ts";
import type { Report } from "./report.ts";
import { labelKeyProblem, labelValueProblem } from "../model/syntax.ts";

/** Which operators there are, and whether they take values. */
const TAKES_VALUES: ReadonlyMap<unknown, boolean> = new Map([
  ["In", true],
  ["NotIn", true],
  ["Exists", false],
  ["DoesNotExist", false],
]);

export function checkSelector(selector: unknown, path: string, report: Report): void {
  if (!isRecord(selector)) return;
  checkLabels(selector["matchLabels"], `${path}/matchLabels`, report);
  for (const [i, raw] of items(selector["matchExpressions"]).entries())
    checkRequirement(raw, `${path}/matchExpressions/${i}`, report);
}

/** Kubernetes refuses `{}` and a missing selector for workloads, which would own every Pod. */
export function isEmptySelector(selector: unknown): boolean {
  return (
    !isRecord(selector) ||
    (Object.keys(isRecord(selector["matchLabels"]) ? selector["matchLabels"] : {}).length === 0 &&
      items(selector["matchExpressions"]).length === 0)
  );
}

function checkRequirement(raw: unknown, path: string, report: Report): void {
  const requirement = isRecord(raw) ? raw : {};
  const operator = requirement["operator"] ?? "";
  const takesValues = TAKES_VALUES.get(operator);
  const values = items(requirement["values"]);
  if (operator === "") report(`${path}/operator`, `is missing; allowed: ${[...TAKES_VALUES.keys()].join(", ")}`);
  else if (typeof operator === "string" && takesValues === undefined)
    report(`${path}/operator`, `is ${show(operator)}; allowed: ${[...TAKES_VALUES.keys()].join(", ")}`);
  if (takesValues === true && values.length === 0)
    report(`${path}/values`, `is empty; operator ${show(operator)} needs at least one value`);
  if (takesValues === false && values.length > 0)
    report(`${path}/values`, `has ${values.length} items; operator ${show(operator)} takes no values`);

  const key = requirement["key"] ?? "";
  const keyProblem = typeof key === "string" && key !== "" ? labelKeyProblem(key) : undefined;
  if (key === "") report(`${path}/key`, "is missing");
  else if (keyProblem !== undefined) report(`${path}/key`, keyProblem);
  for (const [i, value] of values.entries()) {
    const problem = typeof value === "string" ? labelValueProblem(value) : undefined;
    if (problem !== undefined) report(`${path}/values/${i}`, problem);
  }
}
