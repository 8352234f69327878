/**
 * A whole NetworkPolicy around the part of it that an example is about. Where `spec` has no podSelector, the policy is
 * for the Pods of the app that it is named after.
 */
export function policyYaml(name: string, spec: string, annotations = ""): string {
  const selector = `podSelector:\n  matchLabels:\n    app.kubernetes.io/name: ${name}\n`;
  const whole = /^podSelector:/m.test(spec) ? spec.trimStart() : `${selector}${spec.trimStart()}`;
  const metadata = annotations === "" ? "" : `  annotations:\n${indented(annotations.trimStart(), 4)}`;
  const head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n";
  return `${head}  name: ${name}\n${metadata}spec:\n${indented(whole, 2)}`;
}

function indented(text: string, by: number): string {
  return text.replaceAll(/^(?=.)/gm, " ".repeat(by));
}
