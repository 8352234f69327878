import type { BaselineSpec, TemplateName } from "../config/baseline.ts";

/** Reserved: what a person calls a policy should not collide with what we inject. */
const PREFIX = "drawbridge-";

/** Before the name of a Service that the API server calls. */
export const BACKEND_PREFIX = `${PREFIX}backend-`;

const DENIES_INGRESS = "00-default-deny-ingress";

export const INGRESS_DENY = nameOf(DENIES_INGRESS);

export function nameOf(template: TemplateName): string {
  return `${PREFIX}${template}`;
}

/** What the policies of a baseline's templates are called, which is known in any case. */
export function policyNames({ spec }: { readonly spec: BaselineSpec }): string[] {
  return spec.templates.map(({ name }) => nameOf(name));
}

/** Only where nothing else may come in must the way be kept open for the API server. */
export function deniesIngress({ templates }: BaselineSpec): boolean {
  return templates.some(({ name }) => name === DENIES_INGRESS);
}

/**
 * May a policy of ours of this name not be touched by others? For which Services there is one depends on objects that
 * the API server cannot look at when it decides by itself, so the prefix decides everywhere.
 */
export function isKept(baseline: { readonly spec: BaselineSpec }, name: string): boolean {
  return policyNames(baseline).includes(name) || (deniesIngress(baseline.spec) && name.startsWith(BACKEND_PREFIX));
}
