/** To stderr, so that nobody overlooks it between the lines of a test run. */
export function printLoudly(text: string): void {
  const line = "!".repeat(80);
  print(`\n${line}\n${text.replaceAll(/^/gm, "!! ")}\n${line}\n`);
}

export function print(text: string): void {
  process.stderr.write(`${text}\n`);
}
