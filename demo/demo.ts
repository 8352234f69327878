/** `npm run demo`: starts an API server with Drawbridge, shows a tour in the terminal, and stays up to be played with. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { assertNodeVersion } from "../src/node-version.ts";

const USAGE = `npm run demo [-- <options>]

Starts a Kubernetes API server and Drawbridge on this machine, shows a tour in the terminal, and
stays up to be played with. Nothing is left when it ends. The first run builds the API server with
Go, once (about 6 minutes on 2 cores), unless KUBEBUILDER_ASSETS or the PATH have one.

  --once             end after the tour: exit code 0, or 1 if anything was not as told
  --without-cluster  only Drawbridge, with AdmissionReviews that were recorded from an API server
  --help             this text
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

/** Far more than everything takes that is to be stopped. */
const STOP_LIMIT_MS = 15_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === "number") return options;
  // The commands of the tour name files of the checkout.
  process.chdir(join(import.meta.dirname, ".."));
  const untilStopped = handleSignals();
  try {
    assertNodeVersion();
    const { runDemo } = await import("./run.ts");
    return await runDemo({ ...options, untilStopped, print: (text) => console.log(text) });
  } catch (error) {
    console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    if (!options.withoutCluster) console.error("Without an API server it is: npm run demo -- --without-cluster");
    return EXIT_FAILED;
  }
}

/** Or the exit code where there is nothing to run. */
function readOptions(): { readonly once: boolean; readonly withoutCluster: boolean } | number {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: "boolean", default: false },
        "without-cluster": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (!values.help) return { once: values.once, withoutCluster: values["without-cluster"] };
    console.log(USAGE);
    return 0;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
}

/**
 * Ctrl+C ends the tour at once: exit() still ends what was started, where dying of the signal would not. While a person
 * plays it is the way to an orderly end, and may come twice: from the terminal, and from npm that passes it on.
 */
function handleSignals(): () => Promise<void> {
  let act = (): void => process.exit(EXIT_INTERRUPTED);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => act());
  return async () => {
    await new Promise<void>((resolve) => {
      act = resolve;
    });
    setTimeout(() => process.exit(EXIT_FAILED), STOP_LIMIT_MS).unref();
  };
}
