/**
 * Loaded into every test process. It ends a process that hangs or stays alive after its tests, so that a mistake in one
 * file fails only its batch and does not exceed the time limit of the whole run.
 */
const limitMs = 600_000;

if (process.env.NODE_TEST_CONTEXT !== undefined) {
  setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`Ended after ${limitMs / 1_000} s, with these at work: ${held}\n`);
    process.exit(1);
  }, limitMs).unref();
}
