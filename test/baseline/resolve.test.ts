import { describe, expect, test } from "vitest";
import { NO_BACKENDS } from "../../src/baseline/backends.ts";
import type { Located } from "../../src/baseline/peers.ts";
import { CONVENTIONAL, type FoundServers, resolveBaseline, whyUnarmed } from "../../src/baseline/resolve.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import type { TemplateName } from "../../src/config/baseline.ts";
import { networkBaseline } from "../helpers/build.ts";

const unknown = (why: string): Located => ({ isKnown: false, why });
const { dns: known } = CONVENTIONAL;
const BOTH: readonly TemplateName[] = ["01-default-deny-egress", "10-allow-dns-egress", "allow-apiserver-egress"];

describe("a baseline is unarmed by what is not known, if a template needs it", () => {
  test.each<[string, readonly TemplateName[], FoundServers, unknown]>([
    ["all is known", BOTH, { dns: known, apiServer: known }, undefined],
    [
      "nothing is, and nothing is needed",
      ["01-default-deny-egress"],
      { dns: unknown("a"), apiServer: unknown("b") },
      undefined,
    ],
    [
      "the DNS",
      BOTH,
      { dns: unknown("there is none"), apiServer: known },
      {
        reason: "DNSUnknown",
        why: "where the cluster's DNS answers is not known: there is none. Name it in spec.dns of the NetworkBaseline",
      },
    ],
    [
      "the API server",
      BOTH,
      { dns: known, apiServer: unknown("it has no endpoints") },
      {
        reason: "APIServerUnknown",
        why: "where the API server answers is not known: it has no endpoints. Name it in spec.platform.apiServer of the NetworkBaseline",
      },
    ],
    [
      "both: the first is the reason, both are told",
      BOTH,
      { dns: unknown("a"), apiServer: unknown("b") },
      { reason: "DNSUnknown", why: expect.stringMatching(/DNS answers .+ spec\.dns .+; where the API server/) },
    ],
  ])("%s", (_, templates, found, expected) => {
    const baseline = resolveBaseline(networkBaseline("b", { templates }), { ...found, backends: NO_BACKENDS });
    expect(whyUnarmed(baseline)).toEqual(expected);
    expect(wantedPolicies(baseline, "shop")).toHaveLength(expected === undefined ? templates.length : 0);
  });

  test("what it names itself counts, whatever is found", () => {
    const spec = {
      templates: BOTH,
      dns: { addresses: ["169.254.20.10"] },
      platform: { apiServer: { addresses: ["10.0.0.4"], ports: [6443] } },
    };
    const found = { dns: unknown("a"), apiServer: unknown("b"), backends: NO_BACKENDS };
    expect(whyUnarmed(resolveBaseline(networkBaseline("b", spec), found))).toBeUndefined();
  });
});
