import { describe, expect, test } from "vitest";
import { commandsInText, saysNo, shows, walkthrough } from "./walkthrough.ts";

const fenced = (language: string, body: string) => `\`\`\`${language}\n${body}\n\`\`\`\n`;

describe("a document that is followed", () => {
  test("is files to write, commands to run and what is to be seen, in order", () => {
    const document = `# Top\n${fenced("yaml", "# a/b.yaml\nx: 1")}\n## Next\n${fenced("sh", "ls")}\n${fenced("text", "a")}${fenced("sh", "pwd")}`;
    expect(walkthrough(document)).toEqual([
      { kind: "file", path: "a/b.yaml", content: "# a/b.yaml\nx: 1\n", where: "line 3, Top" },
      { kind: "run", script: "ls\n", seen: "a\n", where: "line 9, Next" },
      { kind: "run", script: "pwd\n", where: "line 16, Next" },
    ]);
  });
  test.each([
    ["is in no language", fenced("", "kubectl get pods")],
    ["is text after no command", fenced("text", "a")],
    ["is a file without a name", fenced("yaml", "x: 1")],
  ])("has no block that %s", (_, document) => {
    expect(() => walkthrough(document)).toThrow("neither run nor seen nor a file");
  });
  test("names commands in its sentences too", () => {
    const document = `Say \`kubectl get pods\`, or \`ls\`.\n${fenced("sh", "echo `kubectl version`")}`;
    expect(commandsInText(document)).toEqual(["kubectl get pods"]);
  });
});

test.each([
  ["the same", "a b\n", "a b", true],
  ["columns of other widths", "NAME   AGE\nx      5s  \n", "NAME AGE\nx ...", true],
  ["any lines", "1\n2\n3\n", "...\n3", true],
  ["no lines", "3\n", "...\n3", true],
  ["more than what is to be seen", "a\nb\n", "a", false],
  ["less", "a\n", "a\nb", false],
  ["what means something in a pattern, as itself", "[x] (y) axb\n", "[x] (y) a.b", false],
])("%s", (_, actual, expected, isSeen) => {
  expect(shows(actual, expected)).toBe(isSeen);
});

test.each([
  ["no", true],
  ["Error from server (Forbidden): ...", true],
  ["a.yaml:1:2: error: no-broad-cidr: x", true],
  ["3 objects judged: 0 errors", false],
  ["now", false],
])("%s: is that a refusal? %s", (text, expected) => {
  expect(saysNo(text)).toBe(expected);
});
