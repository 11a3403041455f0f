import { afterEach } from 'node:test';
import { countTimeAtExit } from './times.ts';

/**
 * Loaded into every test process and the programs that those start. It ends a process in which no test has ended for ten minutes: one that hangs, or stays
 * alive after its tests. So a mistake in one file fails only its batch and does not exceed the time limit of the whole
 * run. A file with many long tests may take longer.
 */
const limitMs = 600_000;

// Node's runner hands on the default of --report-signal, which turns reports on: SIGUSR2 would write one into this folder.
process.report.reportOnSignal = false;

if (process.env.NODE_TEST_CONTEXT !== undefined) {
  const timer = setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`Ended, since no test has ended for ${limitMs / 1_000} s, with these at work: ${held}\n`);
    process.exit(1);
  }, limitMs).unref();
  afterEach(() => void timer.refresh());
  countTimeAtExit();
}
