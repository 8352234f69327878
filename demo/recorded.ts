import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { Outcome, Stage } from "./runner.ts";
import { bold, dim } from "./terminal.ts";

/** AdmissionReviews as a real API server sent them; record.ts writes them. */
export const RECORDED = join(import.meta.dirname, "recorded");

/** Sends what was recorded to a webhook that serves alone. `caCert` is PEM. */
export function withRecordings(url: string, caCert: string): Stage {
  return {
    prompt: ({ recorded }) => `${dim("$")} ${bold(curl(url, recorded ?? ""))}`,
    perform: async ({ recorded }) => {
      const body = await readFile(join(RECORDED, `${recorded}.json`), "utf8");
      return asKubectlShowsIt(await post(`${url}/validate`, caCert, body));
    },
  };
}

export function curl(url: string, recorded: string): string {
  return `curl --json @demo/recorded/${recorded}.json ${url}/validate`;
}

/** The part of an AdmissionReview's response that a person gets to see. */
export interface Response {
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
}

function asKubectlShowsIt({ allowed, status, warnings = [] }: Response): Outcome {
  const lines = warnings.map((warning) => `Warning: ${warning}\n`).join("");
  return allowed
    ? { code: 0, stdout: "allowed\n", stderr: lines }
    : { code: 1, stdout: "", stderr: `${lines}denied (${status?.code} ${status?.reason}): ${status?.message}\n` };
}

export function post(url: string, ca: string, body: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    // An agent of its own: no connection is kept that would hold up the server's end.
    const options = { method: "POST", agent: new Agent({ ca }), headers: { "content-type": "application/json" } };
    const sent = request(url, options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("error", reject).on("end", () => {
        if (answer.statusCode === 200) resolve((JSON.parse(text) as { response: Response }).response);
        else reject(new Error(`the webhook answered with HTTP ${answer.statusCode}: ${text}`));
      });
    });
    sent.on("error", reject).end(body);
  });
}
