/**
 * Loaded into the servers that tests start, before anything else: none of them outlives the tests. The kernel closes the
 * channel however their owner ends, SIGKILL included.
 */
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.channel?.unref();
