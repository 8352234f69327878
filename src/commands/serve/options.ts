import type { Cap } from "../../config/mode.ts";
import type { ServicePort } from "../../controllers/registration/webhook-configurations.ts";
import type { LogLevel } from "../../telemetry/log-level.ts";

/** What `drawbridge serve` was asked to do; command.ts says what each option means. */
export interface ServeOptions {
  readonly kubeconfig?: string;
  /** A folder; `true` where none was named. */
  readonly inCluster?: string | true;
  readonly namespace?: string;
  readonly webhookUrl?: URL;
  readonly service?: ServicePort;
  readonly policies?: string;
  readonly mode: Cap;
  readonly host?: string;
  readonly port?: number;
  readonly healthPort: number;
  readonly certDir?: string;
  readonly drainSeconds?: number;
  readonly logLevel: LogLevel;
}
