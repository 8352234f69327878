/** Text in large pieces, no faster than whoever reads it. */
export interface Output {
  readonly print: (text: string) => Promise<void>;
  /** Writes what is left. */
  readonly flush: () => Promise<void>;
}

const PIECE = 64 * 1024;

/** A stream that cannot be written is the program's end: see cli.ts. */
export function createOutput(stream: NodeJS.WriteStream): Output {
  let waiting = "";
  const flush = async (): Promise<void> => {
    const text = waiting;
    waiting = "";
    if (text !== "") await new Promise<void>((resolve) => stream.write(text, () => resolve()));
  };
  return {
    flush,
    print: async (text) => {
      waiting += text;
      if (waiting.length > PIECE) await flush();
    },
  };
}
