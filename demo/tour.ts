import type { UserName } from "../test/cluster/harness/files.ts";

/** The tour as data. A command is what a person types in the checkout's folder; runner.ts says how it is judged. */
export interface Step {
  readonly title: string;
  readonly why: string;
  readonly commands: readonly TourCommand[];
}

export interface TourCommand {
  readonly as: Exclude<UserName, "admin">;
  /** What follows `kubectl`; words are split at spaces, there is no quoting. */
  readonly kubectl: string;
  readonly expect: Expectation;
  /** demo/recorded/<recorded>.json is the AdmissionReview that this command makes the API server send. */
  readonly recorded?: string;
}

export type Expectation =
  /** By these rules and no other. */
  | { readonly verdict: "refused"; readonly rules: readonly string[] }
  /** Without a warning. */
  | { readonly verdict: "accepted"; readonly says?: string }
  /** Without a warning, but with these rules in the server's log. */
  | { readonly verdict: "audited"; readonly rules: readonly string[] }
  /** These objects and no other; they may take a moment to appear. */
  | { readonly verdict: "listed"; readonly names: readonly string[] }
  | { readonly verdict: "absent" };

const apply = (file: string, ...flags: readonly string[]): string =>
  ["apply", "-n shop", ...flags, `-f demo/policies/${file}.yaml`].join(" ");

export const TOUR: readonly Step[] = [
  {
    title: "A new namespace starts closed",
    why: "Nothing comes in, and nothing goes out but DNS: Drawbridge writes these three policies itself.",
    commands: [
      {
        as: "platform",
        kubectl: "apply -f demo/policies/shop-namespace.yaml",
        expect: { verdict: "accepted", says: "namespace/shop created" },
      },
      {
        as: "platform",
        kubectl: "get networkpolicies -n shop",
        expect: {
          verdict: "listed",
          names: [
            "drawbridge-00-default-deny-ingress",
            "drawbridge-01-default-deny-egress",
            "drawbridge-10-allow-dns-egress",
          ],
        },
      },
    ],
  },
  {
    title: "A selector on pod-template-hash",
    why: "It protects today's Pods, and none after the next rollout.",
    commands: [
      {
        as: "tenant",
        kubectl: apply("pod-template-hash"),
        expect: { verdict: "refused", rules: ["no-unstable-label"] },
        recorded: "pod-template-hash",
      },
    ],
  },
  {
    title: "Egress to 0.0.0.0/0",
    why: "Whoever breaks into one of these Pods can send the customers' data anywhere.",
    commands: [
      {
        as: "tenant",
        kubectl: apply("whole-internet"),
        expect: { verdict: "refused", rules: ["no-broad-cidr"] },
        recorded: "whole-internet",
      },
    ],
  },
  {
    title: "The same as 0.0.0.0/1 and 128.0.0.0/1",
    why: "A check that compares strings lets it pass. Drawbridge adds the addresses up.",
    commands: [
      {
        as: "tenant",
        kubectl: apply("internet-in-two-halves"),
        expect: { verdict: "refused", rules: ["no-broad-cidr"] },
        recorded: "internet-in-two-halves",
      },
    ],
  },
  {
    title: "policyTypes left out, by both kinds of apply",
    why: "The API server fills it in before any webhook is asked. Drawbridge still knows what the author wrote.",
    commands: [
      {
        as: "tenant",
        kubectl: apply("missing-policy-types"),
        expect: { verdict: "refused", rules: ["require-policy-types"] },
        recorded: "missing-policy-types",
      },
      {
        as: "tenant",
        kubectl: apply("missing-policy-types", "--server-side"),
        expect: { verdict: "refused", rules: ["require-policy-types"] },
        recorded: "missing-policy-types-server-side",
      },
    ],
  },
  {
    title: "A dry run, as CI and GitOps tools do it",
    why: "The same verdict as in earnest, and nothing is stored.",
    commands: [
      {
        as: "tenant",
        kubectl: apply("whole-internet", "--dry-run=server"),
        expect: { verdict: "refused", rules: ["no-broad-cidr"] },
        recorded: "whole-internet-dry-run",
      },
      {
        as: "tenant",
        kubectl: apply("repaired", "--dry-run=server"),
        expect: { verdict: "accepted", says: "networkpolicy.networking.k8s.io/checkout created (server dry run)" },
        recorded: "repaired-dry-run",
      },
      {
        as: "tenant",
        kubectl: "get networkpolicy checkout -n shop",
        expect: { verdict: "absent" },
      },
    ],
  },
  {
    title: "The repaired policy",
    why: "missing-policy-types.yaml with the one line that it lacked.",
    commands: [
      {
        as: "tenant",
        kubectl: apply("repaired"),
        expect: { verdict: "accepted", says: "networkpolicy.networking.k8s.io/checkout created" },
        recorded: "repaired",
      },
    ],
  },
  {
    title: "A namespace in audit mode",
    why: "What exists already is only watched at first: nothing is refused, and the log says what would be.",
    commands: [
      {
        as: "platform",
        kubectl: "apply -f demo/policies/legacy-namespace.yaml",
        expect: { verdict: "accepted", says: "namespace/legacy created" },
      },
      {
        as: "tenant",
        kubectl: "apply -n legacy -f demo/policies/whole-internet.yaml",
        expect: { verdict: "audited", rules: ["no-broad-cidr", "require-expiry"] },
      },
    ],
  },
];

/** The part of the tour that needs no API server: what was recorded. */
export function recordedPart(steps: readonly Step[]): Step[] {
  return steps
    .map((step) => ({ ...step, commands: step.commands.filter(isRecorded).map(withoutText) }))
    .filter(({ commands }) => commands.length > 0);
}

function isRecorded({ recorded }: TourCommand): boolean {
  return recorded !== undefined;
}

/** What kubectl says on success is its own: nothing of it is in a review. */
function withoutText(command: TourCommand): TourCommand {
  return command.expect.verdict === "accepted" ? { ...command, expect: { verdict: "accepted" } } : command;
}
