import { FIELD_MANAGER } from "../model/names.ts";
import { at } from "../model/json.ts";
import type { AdmissionRequest } from "./review.ts";

/**
 * Is the request one of Drawbridge's own? The user's name alone may be a person's, who runs a server from a desk. A
 * deletion knows no field manager; but ours are of one version of an object, which nobody names who deletes by hand.
 * @param user the name by which the API server knows us
 */
export function isOwn({ userInfo, operation, options }: AdmissionRequest, user: string): boolean {
  if (userInfo.username !== user) return false;
  if (operation === "DELETE") return at(options, "/preconditions/resourceVersion") !== undefined;
  return at(options, "/fieldManager") === FIELD_MANAGER;
}
