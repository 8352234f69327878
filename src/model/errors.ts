/**
 * What can be wrong with what a user gave us, one code each. docs/errors.md explains every code; a test holds the two
 * together. Anything else that is thrown is a bug.
 */
export const INPUT_ERRORS = {
  "node-version": "The program runs on an unsupported version of Node.js.",
  "unreadable-file": "A file or folder that was named cannot be read.",
  "invalid-yaml": "A document is not YAML or JSON.",
  "invalid-policy-document": "A NetworkRuleset, NetworkBaseline or NetworkException is not valid.",
  "invalid-option": "A command line option has a value that cannot be used.",
  "invalid-kubeconfig": "The kubeconfig cannot be used.",
  "unknown-rule": "There is no rule of this id.",
  "invalid-service-account": "The Pod's service account cannot be used, or this is no Pod.",
  "cluster-unreachable": "The API server does not answer, or refuses who we are.",
  "registration-refused": "The API server does not take the webhook configurations.",
  "invalid-certificate": "The certificate files cannot be used.",
  "port-in-use": "The server cannot listen on its address.",
} as const;

export type InputErrorCode = keyof typeof INPUT_ERRORS;

/** Bad input: `message` says what, where and what to do. Commands print it without a stack trace and exit with 2. */
export class InputError extends Error {
  readonly code: InputErrorCode;

  constructor(code: InputErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InputError";
    this.code = code;
  }
}

/** One thing that is wrong with a document: where (JSON Pointer), and what, with the value and what is allowed. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}
