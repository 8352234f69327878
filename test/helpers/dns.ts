import { NAMESPACE_NAME_LABEL } from "../../src/model/names.ts";
import type { Labels } from "../../src/model/objects.ts";

/** An egress clause to these peers over UDP and TCP, as DNS is asked. */
export const overBoth = (port: number, ...to: readonly object[]) => ({
  to,
  ports: [
    { port, protocol: "UDP" },
    { port, protocol: "TCP" },
  ],
});

export const podsOf = (namespace: string, labels: Labels) => ({
  namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: namespace } },
  podSelector: { matchLabels: labels },
});
