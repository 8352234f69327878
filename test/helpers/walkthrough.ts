/** A fenced block of a document that is there to be followed. */
export interface Block {
  /** What stands behind the fence: sh, text, yaml. */
  readonly language: string;
  readonly body: string;
  /** The heading above it. */
  readonly heading: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

/** What a reader does: writes files, runs commands, and looks whether they see what they are to see. */
export type Step =
  | { readonly kind: "file"; readonly path: string; readonly content: string; readonly where: string }
  | { readonly kind: "run"; readonly script: string; readonly seen?: string; readonly where: string };

/**
 * A block of `sh` is run; one of `text` right after it is what is to be seen; one of `yaml` is a file, whose path is in
 * its first line, a comment. There is nothing else, so nothing in a document is never tried.
 * @throws Error where a block is none of these
 */
export function walkthrough(markdown: string): readonly Step[] {
  const blocks = blocksOf(markdown);
  return blocks.flatMap((block, i): Step[] => {
    const { language, body, heading, line } = block;
    const where = `line ${line}, ${heading}`;
    if (language === "sh") {
      const next = blocks[i + 1];
      return [{ kind: "run", script: body, where, ...(next?.language === "text" && { seen: next.body }) }];
    }
    const path = /^# (\S+\.yaml)\n/.exec(body)?.[1];
    if (language === "yaml" && path !== undefined) return [{ kind: "file", path, content: body, where }];
    if (language === "text" && blocks[i - 1]?.language === "sh") return [];
    throw new Error(`${where}: a block of ${language || "no language"} that is neither run nor seen nor a file`);
  });
}

export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let open: { language: string; lines: string[]; line: number } | undefined;
  for (const [i, text] of markdown.split("\n").entries()) {
    if (open === undefined) {
      heading = /^#+ (.*)/.exec(text)?.[1] ?? heading;
      const language = /^```(.*)/.exec(text)?.[1];
      if (language !== undefined) open = { language, lines: [], line: i + 2 };
    } else if (text === "```") {
      blocks.push({
        language: open.language,
        body: open.lines.map((one) => `${one}\n`).join(""),
        heading,
        line: open.line,
      });
      open = undefined;
    } else open.lines.push(text);
  }
  return blocks;
}

/** `kubectl get pods` where a sentence names it. */
export function commandsInText(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/`((?:kubectl|drawbridge|helm) [^`]+)`/g)].map(([, command = ""]) => command);
}

/** Line by line; `...` is anything within a line, or any lines where it stands alone; widths of columns do not count. */
export function shows(actual: string, expected: string): boolean {
  const pattern = expected
    .trimEnd()
    .split("\n")
    .map((line) => (line.trim() === "..." ? "(?:.*\\n)*?" : `${patternOf(line)}\\n`))
    .join("");
  return new RegExp(`^${pattern}$`).test(`${actual.trimEnd()}\n`);
}

/** Is it a refusal that is to be seen? */
export function saysNo(expected: string): boolean {
  return /^(?:no|Error\b.*)$|\berror: /m.test(expected);
}

function patternOf(line: string): string {
  return (
    line
      .trimEnd()
      .split("...")
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&").replaceAll(/ +/g, " +"))
      .join(".*") + " *"
  );
}
