import { type Command, InvalidArgumentError, Option } from "commander";
import { CAPS } from "../../config/mode.ts";
import type { ServicePort } from "../../controllers/registration/webhook-configurations.ts";
import { LOG_LEVELS } from "../../telemetry/log-level.ts";
import type { ServeOptions } from "./options.ts";
import { dnsLabelProblem } from "../../model/syntax.ts";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("answer the API server's admission requests, and give new namespaces their baseline")
    .option("--kubeconfig <file>", "the cluster to watch; without it only the rules of the policies folder are applied")
    .option(
      "--in-cluster [folder]",
      "watch the cluster that this is a Pod of, as the Pod's service account (token and ca.crt in this folder; default: where Kubernetes puts them)",
    )
    .option(
      "--namespace <name>",
      "one of several servers: they elect a leader by a Lease in this namespace (default: the Pod's; with --kubeconfig: there is no other server)",
      toNamespace,
    )
    .option(
      "--webhook-url <url>",
      "register with the cluster by this URL (https://HOST:PORT) and listen on its port",
      toUrl,
    )
    .option(
      "--service <namespace/name>",
      "register with the cluster by this Service of it (NAMESPACE/NAME, or NAMESPACE/NAME:PORT if its port is not 443)",
      toService,
    )
    .option(
      "--policies <folder>",
      "NetworkRulesets and NetworkBaselines to use without a cluster (default: those of Drawbridge)",
    )
    .addOption(
      new Option("--mode <mode>", "how strong rules may be in namespaces without a mode label")
        .choices([...CAPS])
        .default("enforce"),
    )
    .option(
      "--host <address>",
      "address to listen on (default: 127.0.0.1; every address with --in-cluster or --service)",
    )
    .option("--port <port>", "port of the webhook (default: that of --webhook-url, else 8443)", toPort)
    .option("--health-port <port>", "port of probes and metrics, plain HTTP", toPort, 8080)
    .option("--cert-dir <folder>", "keep CA and certificate in this folder (default: in memory)")
    .option(
      "--drain-seconds <seconds>",
      "how long to go on serving after SIGTERM (default: 10; 5 with --service; 1 with --webhook-url; 0 without a cluster)",
      toSeconds,
    )
    .addOption(new Option("--log-level <level>", "how much to log").choices([...LOG_LEVELS]).default("info"))
    .action(async (options: ServeOptions) => {
      const { runServer } = await import("./run.ts");
      await runServer(options);
    });
}

function toUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:")
    throw new InvalidArgumentError("It must be https://HOST:PORT: an API server calls nothing else.");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError(
      "It must be https://HOST:PORT alone: the paths /validate, /mutate and /gate are added.",
    );
  }
  return url;
}

/** Names as Kubernetes takes them for namespaces and Services: DNS labels. */
const SERVICE =
  /^(?<namespace>[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)\/(?<name>[a-z]([-a-z0-9]{0,61}[a-z0-9])?)(:(?<port>\d{1,5}))?$/;

function toService(text: string): ServicePort {
  const { namespace, name, port = "443" } = SERVICE.exec(text)?.groups ?? {};
  if (namespace === undefined || name === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new InvalidArgumentError(
      "It must be NAMESPACE/NAME or NAMESPACE/NAME:PORT, as drawbridge-system/drawbridge.",
    );
  }
  return { namespace, name, port: Number(port) };
}

function toNamespace(text: string): string {
  if (dnsLabelProblem(text) === undefined) return text;
  throw new InvalidArgumentError("It must be the name of a namespace, as drawbridge-system.");
}

function toPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError("It must be a number from 0 (any free port) to 65535.");
  return port;
}

function toSeconds(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError("It must be a whole number of seconds.");
  return Number(text);
}
