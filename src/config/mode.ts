/** What Drawbridge does about a finding, weakest first. ("off" would be a boolean in YAML 1.1, so it is "disabled".) */
export const MODES = ["disabled", "audit", "warn", "enforce"] as const;

export type Mode = (typeof MODES)[number];

/** What an installation or a namespace may cap its rules to: it lowers them, it never switches the whole off. */
export const CAPS = ["audit", "warn", "enforce"] as const;

export type Cap = (typeof CAPS)[number];

export function isCap(value: unknown): value is Cap {
  return CAPS.some((cap) => cap === value);
}

export function weakest(...modes: readonly [Mode, ...Mode[]]): Mode {
  return modes.reduce((a, b) => (MODES.indexOf(a) <= MODES.indexOf(b) ? a : b));
}
