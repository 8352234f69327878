import { once } from "node:events";

/** Text in large pieces, no faster than whoever reads it. */
export interface Output {
  readonly print: (text: string) => Promise<void>;
  /** Writes what is left. */
  readonly flush: () => Promise<void>;
}

const PIECE = 64 * 1024;

/** As a shell reports a program that wrote into a closed pipe (128 + SIGPIPE). */
const EXIT_CLOSED_PIPE = 141;

export function createOutput(stream: NodeJS.WriteStream): Output {
  // `| head` is no fault of ours, and nobody is left to tell.
  stream.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_CLOSED_PIPE);
    throw error;
  });
  let waiting = "";
  const flush = async (): Promise<void> => {
    const text = waiting;
    waiting = "";
    if (text !== "" && !stream.write(text)) await once(stream, "drain");
  };
  return {
    flush,
    print: async (text) => {
      waiting += text;
      if (waiting.length > PIECE) await flush();
    },
  };
}
