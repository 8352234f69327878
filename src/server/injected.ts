import { governingBaseline } from "../baseline/govern.ts";
import type { Baseline } from "../baseline/resolve.ts";
import { type Configuration, governanceOf } from "../engine/configuration.ts";
import type { Labels } from "../model/objects.ts";

/** The baseline whose policies a namespace gets: none where its mode is not enforce. */
export function injectedBaseline(
  namespace: string,
  labels: Labels,
  configuration: Configuration,
): Baseline | undefined {
  const isEnforced = governanceOf(labels, configuration).cap === "enforce";
  return isEnforced ? governingBaseline(namespace, labels, configuration.baselines) : undefined;
}
