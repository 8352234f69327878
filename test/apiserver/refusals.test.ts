import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refusalsOf } from "../../src/apiserver/refusals.ts";
import { at } from "../../src/model/json.ts";
import { networkPolicy } from "../helpers/build.ts";
import { WORDS } from "../helpers/mutate.ts";
import { oddPolicies } from "../helpers/odd.ts";
import { CASES } from "./cases.ts";

const all = Object.values(CASES).flat();
const messagesOf = (object: unknown): string[] => refusalsOf(object).map(({ path, message }) => `${path} ${message}`);

describe.each(Object.entries(CASES))("%s", (_name, cases) => {
  test.each(cases)("%s", (_what, object, ...paths) => {
    expect(refusalsOf(object).map(({ path }) => path)).toEqual(paths);
  });
});
