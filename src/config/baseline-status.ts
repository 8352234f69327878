import { type Static, Type } from "typebox";

/** How a namespace stands with the baseline that governs it: it is in exactly one of these. */
export const STATES = ["finished", "pending", "failed", "conflict"] as const;

export type State = (typeof STATES)[number];

/** How one stands with a baseline that does not govern it, but has or had to do with it. */
export const UNGOVERNED = ["existing", "released"] as const;

export type UngovernedState = (typeof UNGOVERNED)[number];

/** Those that somebody may have to look after, in the order in which they are shown. */
export const UNFINISHED = ["conflict", "failed", "pending"] as const satisfies readonly State[];

const count = (description: string) => Type.Integer({ minimum: 0, description });

const time = (description: string) => Type.String({ format: "date-time", description });

/** Some of the namespaces in these states. */
function firstOf<Shown extends string>(states: readonly Shown[], description: string, message: string) {
  return Type.Array(
    Type.Object({
      name: Type.String({ description: "The namespace." }),
      state: Type.Enum([...states], { description: "How it stands." }),
      message: Type.Optional(Type.String({ description: message })),
      since: time("Since when this is said of it."),
    }),
    { description, "x-kubernetes-list-type": "atomic" },
  );
}

/** Drawbridge alone writes it, so it is not checked when a document is read: see `customResource`. */
export const NetworkBaselineStatusSchema = Type.Object(
  {
    observedGeneration: Type.Integer({ description: "The generation that this is about." }),
    namespaces: Type.Object(
      {
        governed: count("Namespaces that are to have its policies: the sum of the others."),
        finished: count("They have all of its policies, as wanted."),
        pending: count("They wait for policies."),
        failed: count("Their policies could not be written; it is tried again."),
        conflict: count(
          "Policies of somebody else have the names of its policies there, and say something else, or which Pods must stay reachable for the API server cannot be told.",
        ),
        existing: count(
          "Not governed: they were there before, or the installation is not in mode enforce; they would get its policies if it adopted them.",
        ),
        released: count("Not governed any longer, and still with policies of it."),
      },
      { description: "How many namespaces it governs, and how they stand." },
    ),
    unfinished: firstOf(
      UNFINISHED,
      "The first namespaces by name of each state other than finished.",
      "The last error, or what is in the way.",
    ),
    ungoverned: firstOf(
      UNGOVERNED,
      "The first namespaces by name that it does not govern, but would if it adopted them, or has.",
      "What it would get, or what it keeps.",
    ),
    conditions: Type.Array(
      Type.Object({
        type: Type.String({ description: "Ready or Overlapping." }),
        status: Type.Enum(["True", "False", "Unknown"], { description: "Whether it is so." }),
        reason: Type.String({ description: "Why, for machines." }),
        message: Type.String({ description: "Why, for people." }),
        lastTransitionTime: time("Since when the status is what it is."),
        observedGeneration: Type.Optional(Type.Integer({ description: "The generation that this is about." })),
      }),
      {
        description: "Whether all is well.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
      },
    ),
  },
  { description: "How the namespaces stand that it governs; written by Drawbridge." },
);

export type NetworkBaselineStatus = Static<typeof NetworkBaselineStatusSchema>;

export type UnfinishedNamespace = NetworkBaselineStatus["unfinished"][number];

export type BaselineCondition = NetworkBaselineStatus["conditions"][number];

export type UngovernedNamespace = NetworkBaselineStatus["ungoverned"][number];
