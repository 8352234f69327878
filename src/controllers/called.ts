import type { KubernetesClient } from "../cluster/client.ts";
import { paths } from "../cluster/paths.ts";
import { keyOf, Reflector, type ReflectorOptions } from "../cluster/reflector.ts";
import { type Backend, backendsOf } from "../model/backends.ts";
import { at, items } from "../model/json.ts";
import type { KubernetesObject } from "../model/objects.ts";

type OnError = NonNullable<ReflectorOptions<KubernetesObject>["onError"]>;

export interface CalledOptions {
  readonly client: Pick<KubernetesClient, "pages" | "stream">;
  /** What the API server calls may be something else than before. */
  readonly onChange: () => void;
  /** By resource. */
  readonly onError: (resource: string) => OnError;
}

/** CustomResourceDefinitions come with their schemas, of which some are larger than 1 MiB: a page is read whole. */
const LARGE_PAGE = 20;

/**
 * Follows what the API server calls by Services, and what is behind them. Of all these objects only that is kept: a
 * cluster has as many Services as workloads, and a schema may be larger than all of them.
 */
export function followCalled({ client, onChange, onError }: CalledOptions) {
  const reflector = (resource: string, options: Omit<ReflectorOptions<KubernetesObject>, "client">) =>
    [resource, new Reflector<KubernetesObject>({ client, onChange, onError: onError(resource), ...options })] as const;
  const callers = [
    reflector("validatingwebhookconfigurations", {
      path: paths.validatingWebhookConfigurations(),
      transform: webhooksOf,
    }),
    reflector("mutatingwebhookconfigurations", { path: paths.mutatingWebhookConfigurations(), transform: webhooksOf }),
    reflector("apiservices", { path: paths.apiServices(), transform: apiServiceOf, absentIsEmpty: true }),
    reflector("customresourcedefinitions", {
      path: paths.customResourceDefinitions(),
      transform: conversionOf,
      pageSize: LARGE_PAGE,
    }),
  ];
  let called = new Set<string>();
  const services = new Reflector<KubernetesObject>({
    client,
    path: paths.services(),
    transform: serviceOf,
    onChange: ({ object }) => called.has(keyOf(object)) && onChange(),
    onError: onError("services"),
  });
  return {
    reflectors: [...callers, ["services", services] as const],
    backends: (): readonly Backend[] => {
      const found = backendsOf(
        callers.flatMap(([, caller]) => caller.list()),
        (namespace, name) => services.get(`${namespace}/${name}`),
      );
      called = new Set(found.map(({ namespace, service }) => `${namespace}/${service}`));
      return found;
    },
  };
}

function webhooksOf(configuration: KubernetesObject): KubernetesObject {
  const webhooks = items(at(configuration, "/webhooks")).map((webhook) => ({
    clientConfig: { service: at(webhook, "/clientConfig/service") },
  }));
  return withOnly(configuration, { webhooks });
}

function apiServiceOf(apiService: KubernetesObject): KubernetesObject {
  return withOnly(apiService, { spec: { service: at(apiService, "/spec/service") } });
}

function conversionOf(definition: KubernetesObject): KubernetesObject {
  const conversion = at(definition, "/spec/conversion");
  const service = at(conversion, "/webhook/clientConfig/service");
  const kept = { strategy: at(conversion, "/strategy"), webhook: { clientConfig: { service } } };
  return withOnly(definition, { spec: { conversion: kept } });
}

function serviceOf(service: KubernetesObject): KubernetesObject {
  const ports = items(at(service, "/spec/ports")).map((port) => ({
    port: at(port, "/port"),
    protocol: at(port, "/protocol"),
    targetPort: at(port, "/targetPort"),
  }));
  const [type, selector] = [at(service, "/spec/type"), at(service, "/spec/selector")];
  return withOnly(service, { spec: { type, selector, ports } });
}

function withOnly({ apiVersion, kind, metadata = {} }: KubernetesObject, fields: object): KubernetesObject {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion },
    ...fields,
  } as KubernetesObject;
}
