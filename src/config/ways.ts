import type { Direction } from "../model/policy.ts";
import type { BaselineSpec, NetworkPlatform, TemplateName } from "./baseline.ts";

/** Something that a template opens. */
export interface Way {
  readonly direction: Direction;
  /** With which of the platform's own. */
  readonly peer?: Exclude<keyof NetworkPlatform, "apiServer">;
  /** At which ports of the namespace's Pods: those of the baseline, or all if there need be none. */
  readonly ports?: "needed" | "possible";
}

/** Of the templates that have something to open only where another one denies. */
const OPTIONAL: Readonly<Partial<Record<TemplateName, readonly Way[]>>> = {
  "20-allow-ingress-controller": [{ direction: "ingress", peer: "ingressController", ports: "needed" }],
  "30-allow-observability": [
    { direction: "ingress", peer: "prometheus", ports: "needed" },
    { direction: "egress", peer: "collector" },
  ],
  "allow-apiserver-egress": [{ direction: "egress" }],
  "allow-same-namespace": [
    { direction: "ingress", ports: "possible" },
    { direction: "egress", ports: "possible" },
  ],
};

/** What isolates a namespace's Pods, whatever else there is. */
const ISOLATES: Readonly<Partial<Record<TemplateName, Direction>>> = {
  "00-default-deny-ingress": "ingress",
  "01-default-deny-egress": "egress",
  "10-allow-dns-egress": "egress",
};

/** All that an optional template could open; undefined for those that are not optional. */
export function possibleWays(template: TemplateName): readonly Way[] | undefined {
  return OPTIONAL[template];
}

/**
 * What a template does open: only where the baseline denies. A policy that allows something isolates, too: one that
 * allows egress within the namespace would cut off all other egress, where that is not denied.
 */
export function openedWays({ templates, platform }: BaselineSpec, template: TemplateName): readonly Way[] {
  const isolated = templates.map(({ name }) => ISOLATES[name]);
  return (OPTIONAL[template] ?? []).filter(
    ({ direction, peer }) => isolated.includes(direction) && (peer === undefined || platform?.[peer] !== undefined),
  );
}

/**
 * What a baseline says at the stage that it has reached. Before egress is denied nothing may be given that has to do
 * with it: a policy that allows some of it denies the rest.
 */
export function atStage(spec: BaselineSpec): BaselineSpec {
  if (spec.stage !== "ingress") return spec;
  const staged = { ...spec, templates: spec.templates.filter(({ name }) => ISOLATES[name] !== "egress") };
  const hasSomething = (name: TemplateName): boolean =>
    possibleWays(name) === undefined || openedWays(staged, name).length > 0;
  return { ...staged, templates: staged.templates.filter(({ name }) => hasSomething(name)) };
}
