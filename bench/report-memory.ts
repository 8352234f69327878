/** Loaded into a process that is measured: says at its end how much memory it held at most (KiB). */
process.once("exit", () => process.stderr.write(`peak ${process.resourceUsage().maxRSS}\n`));
