/**
 * The sum of all samples of a metric, in Prometheus' text format, that carry these labels:
 *
 *     drawbridge_admission_reviews_total{webhook="validate",verdict="allowed"} 42
 */
export function sumOf(text: string, metric: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  const samples = text.split("\n").flatMap((line) => {
    const [, name, of = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    return name === metric && wanted.every((label) => of.split(",").includes(label)) ? [Number(value)] : [];
  });
  return samples.reduce((sum, value) => sum + value, 0);
}
