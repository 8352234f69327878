import { InputError } from "./model/errors.ts";

/** As `engines` in package.json says; a test holds the two together. */
const OLDEST_MAJOR = 24;

/** `npm ci --ignore-scripts` leaves the npm package `node` without its binary, and scripts then run the machine's Node. */
export function assertNodeVersion(version: string = process.versions.node): void {
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
  throw new InputError(
    "node-version",
    `Node.js ${version} is too old: ${OLDEST_MAJOR} or newer is needed. In a checkout run \`npm ci\` (with install scripts), which brings it, and start commands by \`npm run\`.`,
  );
}
