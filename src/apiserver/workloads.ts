import { at, isRecord, type JsonObject } from "../model/json.ts";
import { type Labels, labelsOf } from "../model/objects.ts";
import { matches, toSelector } from "../model/selector.ts";
import { checkAnnotations, checkLabels } from "./metadata.ts";
import type { Report } from "./report.ts";
import { checkSelector, isEmptySelector } from "./selectors.ts";

/** Labels and annotations that Pods get from a template. Its name is ignored, so it may be anything. */
export function checkTemplate(object: JsonObject, path: string, report: Report): void {
  checkLabels(at(object, `${path}/metadata/labels`), `${path}/metadata/labels`, report);
  checkAnnotations(at(object, `${path}/metadata/annotations`), `${path}/metadata/annotations`, report);
}

/** What apps/v1 asks: a selector that selects something, and the Pods of the template. */
export function checkOwnPods(object: JsonObject, report: Report): void {
  const selector = at(object, "/spec/selector");
  if (selector === undefined || selector === null) return report("/spec/selector", "is missing");
  if (!isRecord(selector)) return;
  let isRight = true;
  checkSelector(selector, "/spec/selector", (path, message) => {
    isRight = false;
    report(path, message);
  });
  if (isEmptySelector(selector)) report("/spec/selector", "is empty; must select the Pods of the template");
  else if (isRight && !matches(toSelector(selector, ""), templateLabels(object)))
    report("/spec/template/metadata/labels", "are not what spec.selector selects; they must match it");
}

/** What a ReplicationController asks; without a selector it takes the labels of its template. */
export function checkControlledPods(object: JsonObject, report: Report): void {
  const labels = templateLabels(object);
  const selector = at(object, "/spec/selector") ?? {};
  if (at(object, "/spec/template") == null) return report("/spec/template", "is missing");
  if (!isRecord(selector)) return;
  if (Object.keys(selector).length === 0 && Object.keys(labels).length === 0)
    report("/spec/selector", "is empty, and the template has no labels; one of them is required");
  else if (!matches(toSelector({ matchLabels: selector }, ""), labels))
    report("/spec/template/metadata/labels", "are not what spec.selector selects; they must match it");
}

function templateLabels(object: JsonObject): Labels {
  return labelsOf(at(object, "/spec/template/metadata/labels"));
}
