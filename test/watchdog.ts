/**
 * Loaded into every process of tests: ends one that something keeps alive after its tests, or that hangs, so that a
 * mistake in one file fails this file's batch and not the whole run's time limit.
 */
const limitMs = 600_000;

if (process.env.NODE_TEST_CONTEXT !== undefined) {
  setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`Ended after ${limitMs / 1_000} s, with these at work: ${held}\n`);
    process.exit(1);
  }, limitMs).unref();
}
