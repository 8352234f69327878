import { isRecord } from "../../src/model/json.ts";
import type { Path } from "./cases.ts";

/** What is wrong with an answer to a body; undefined if it is as it must be. */
export function faultOf(path: Path, sent: Buffer, status: number, text: string): string | undefined {
  const answer = parsed(text);
  if (!isRecord(answer)) return `HTTP ${status} with a body that is no JSON object`;
  const request = reviewIn(sent);
  if (request === undefined) {
    if (status < 400 || status > 499) return `HTTP ${status} to what is no AdmissionReview`;
    return typeof answer["error"] === "string" ? undefined : "an error without a text";
  }
  if (status !== 200) return `HTTP ${status} to an AdmissionReview: ${text.slice(0, 200)}`;
  if (answer["apiVersion"] !== "admission.k8s.io/v1" || answer["kind"] !== "AdmissionReview") return "another kind";
  const response = answer["response"];
  if (!isRecord(response)) return "no response in it";
  if (response["uid"] !== request["uid"]) return "another uid";
  if (text.length > LONGEST_ANSWER) return `an answer of ${text.length} characters`;
  return verdictFault(response) ?? warningsFault(response) ?? patchFault(path, request, response);
}

/** A terminal's worth many times over, and nothing that an API server would cut. */
const LONGEST_ANSWER = 64 * 1024;

/** The request of a body that is an AdmissionReview, as the API's documentation says what one is. */
function reviewIn(sent: Buffer): Record<string, unknown> | undefined {
  const review = parsed(sent.toString());
  if (!isRecord(review) || review["apiVersion"] !== "admission.k8s.io/v1" || review["kind"] !== "AdmissionReview")
    return undefined;
  const request = review["request"];
  if (!isRecord(request)) return undefined;
  const { uid, kind, operation, userInfo, name, namespace, object, oldObject, options, dryRun } = request;
  const isOptional = (value: unknown, type: string) => value === undefined || typeof value === type;
  const isObject = (value: unknown) => value === undefined || value === null || isRecord(value);
  const isSound =
    typeof uid === "string" &&
    uid !== "" &&
    Array.from(uid).length <= 256 &&
    isRecord(kind) &&
    ["group", "version", "kind"].every((field) => typeof kind[field] === "string") &&
    typeof operation === "string" &&
    ["CREATE", "UPDATE", "DELETE", "CONNECT"].includes(operation) &&
    isRecord(userInfo) &&
    isOptional(userInfo["username"], "string") &&
    [name, namespace].every((value) => isOptional(value, "string")) &&
    [object, oldObject, options].every(isObject) &&
    isOptional(dryRun, "boolean");
  return isSound ? request : undefined;
}

function verdictFault({ allowed, status, warnings, auditAnnotations }: Readonly<Record<string, unknown>>) {
  if (typeof allowed !== "boolean") return "allowed is no boolean";
  if (auditAnnotations !== undefined) {
    if (!isRecord(auditAnnotations) || Object.values(auditAnnotations).some((value) => typeof value !== "string"))
      return "audit annotations that are no texts";
  }
  if (allowed) return status === undefined ? undefined : "a status on what is allowed";
  // 503 is the gate's where nothing is wrong with the Pod.
  if (!isRecord(status) || (status["code"] !== 403 && status["code"] !== 503)) return "a refusal without its code";
  if (typeof status["message"] !== "string" || status["message"] === "") return "a refusal without a reason";
  if (CONTROL.test(status["message"])) return "control characters in the reason";
  return warnings === undefined ? undefined : "warnings on a refusal";
}

/** All but the line break. */
// oxlint-disable-next-line no-control-regex -- that is what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/;

function warningsFault({ warnings = [] }: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(warnings) || !warnings.every((warning) => typeof warning === "string")) return "odd warnings";
  if (warnings.some((warning) => warning.length > 256)) return "a warning that is too long";
  if (warnings.some((warning) => CONTROL.test(warning) || warning.includes("\n")))
    return "control characters in a warning";
  return warnings.join("").length > 4096 ? "too many warnings" : undefined;
}

/** The one patch there is: the marker, in the labels that are there or in new ones. */
function patchFault(path: Path, { object }: Record<string, unknown>, response: Readonly<Record<string, unknown>>) {
  const { allowed, patch, patchType } = response;
  if (path !== "/mutate") return patch === undefined ? undefined : "a patch by a validating webhook";
  if (allowed !== true) return "a refusal by a mutating webhook";
  if (patch === undefined) return patchType === undefined ? undefined : "a patch type without a patch";
  if (typeof patch !== "string") return "a patch that is no text";
  const text = Buffer.from(patch, "base64").toString();
  if (patchType !== "JSONPatch" || Buffer.from(text).toString("base64") !== patch) return "a patch that is no base64";
  const metadata = isRecord(object) ? object["metadata"] : undefined;
  if (!isRecord(metadata)) return "a patch that finds no metadata";
  const labels = metadata["labels"];
  const expected = isRecord(labels)
    ? [{ op: "add", path: "/metadata/labels/drawbridge.dev~1baseline-pending", value: "true" }]
    : [{ op: "add", path: "/metadata/labels", value: { "drawbridge.dev/baseline-pending": "true" } }];
  return text === JSON.stringify(expected) ? undefined : `another patch: ${text.slice(0, 200)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
