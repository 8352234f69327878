import type { NetworkPolicy } from "../src/model/network-policy.ts";

/** What every request of the load carries (with another name): as teams write them, and nothing is wrong with it. */
export const ALLOWED_POLICY = policy("web", {
  podSelector: labels("web"),
  policyTypes: ["Ingress", "Egress"],
  ingress: [{ from: [{ podSelector: labels("gateway") }], ports: [{ protocol: "TCP", port: 8080 }] }],
  egress: [
    {
      to: [{ podSelector: labels("database") }, { ipBlock: { cidr: "10.20.0.0/16", except: ["10.20.255.0/24"] } }],
      ports: [{ protocol: "TCP", port: 5432 }],
    },
  ],
});

/** What the ValidatingAdmissionPolicy and Drawbridge both refuse: to see that they are in force. */
export const REFUSED_POLICY = policy("open", {
  podSelector: labels("web"),
  policyTypes: ["Egress"],
  egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }],
});

/**
 * Policies of many shapes: one to four clauses with one to three peers of every kind, about one in four with something
 * for a rule to find. Always the same ones.
 */
export function generatedPolicies(count: number): NetworkPolicy[] {
  return Array.from({ length: count }, (_, i) => generatedPolicy(i));
}

function generatedPolicy(i: number): NetworkPolicy {
  const clauses = (field: "from" | "to", count: number) =>
    Array.from({ length: count }, (_, c) => ({
      [field]: Array.from({ length: 1 + ((i + c) % 3) }, (_value, p) => peer(i * 7 + c * 3 + p)),
      ports: [{ protocol: i % 5 === 0 ? "UDP" : "TCP", port: 1024 + ((i * 13 + c) % 9000) }],
    }));
  const [ingress, egress] = [clauses("from", 1 + (i % 2)), clauses("to", i % 3)];
  return policy(`generated-${i}`, {
    podSelector: i % 11 === 0 ? {} : labels(`app-${i % 40}`),
    policyTypes: egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"],
    ingress,
    ...(egress.length > 0 && { egress }),
  });
}

function peer(n: number): object {
  switch (n % 8) {
    case 0:
      return { ipBlock: { cidr: `10.${n % 256}.0.0/16`, except: [`10.${n % 256}.128.0/24`, `10.${n % 256}.7.0/24`] } };
    case 1:
      return { ipBlock: { cidr: `203.0.113.${(n * 16) % 256}/28` } };
    case 2:
      return { namespaceSelector: inNamespace(`team-${n % 30}`), podSelector: labels(`app-${n % 40}`) };
    case 3:
      return { namespaceSelector: inNamespace("kube-system"), podSelector: { matchLabels: { "k8s-app": "kube-dns" } } };
    case 4:
      // About one peer in fifty is one that a rule objects to.
      return n % 48 === 4 ? { ipBlock: { cidr: "0.0.0.0/0" } } : { namespaceSelector: inNamespace(`team-${n % 30}`) };
    default:
      return { podSelector: labels(`app-${n % 40}`) };
  }
}

function policy(name: string, spec: object): NetworkPolicy & { readonly metadata: object } {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name,
      labels: { "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "Helm" },
      annotations: {
        description: "Who may talk to the shop's web server, and to whom it may talk",
        owner: "team-shop",
        reviewed: "2026-01-15",
        "meta.helm.sh/release-name": "shop",
      },
    },
    spec,
  };
}

function labels(name: string): object {
  return { matchLabels: { "app.kubernetes.io/name": name, "app.kubernetes.io/instance": "shop" } };
}

function inNamespace(name: string): object {
  return { matchLabels: { "kubernetes.io/metadata.name": name } };
}
