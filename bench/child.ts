import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A process of its own that answers one question at a time. It ends with this process, however that ends. */
export interface Child<Question, Reply> {
  /** Rejects with what went wrong there. */
  ask(question: Question): Promise<Reply>;
  stop(): Promise<void>;
}

type Message<Reply> = { readonly reply: Reply } | { readonly error: string };

/** `file`: in this folder; it answers by replyToParent, and exits on "disconnect". */
export function startChild<Question extends object, Reply>(file: string): Child<Question, Reply> {
  // execArgv: a profile of the benchmark is not to be one of its load generator.
  const child = fork(join(import.meta.dirname, file), [], { execArgv: [] });
  const exited = once(child, "exit");
  return {
    async ask(question) {
      const died = exited.then(([code, signal]): never => {
        throw new Error(`${file} ended (${signal ?? `exit code ${code}`})`);
      });
      child.send(question);
      const [message]: Message<Reply>[] = await Promise.race([once(child, "message"), died]);
      if (message === undefined || "error" in message) throw new Error(`${file}: ${message?.error}`);
      return message.reply;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** The other end of `ask`: what such a process does with a question, which has come as a "message". */
export async function replyToParent(work: Promise<object>): Promise<void> {
  const message: Message<object> = await work.then(
    (reply) => ({ reply }),
    (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
  );
  process.send?.(message);
}
