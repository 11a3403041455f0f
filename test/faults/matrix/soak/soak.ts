// node test/faults/matrix/soak/soak.ts MINUTES ROUND_SECONDS: a steady load with faults, for `npm run bench -- soak`.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figures, median, round } from '../../../../bench/benchmark.ts';
import { launcherFile } from '../../../../scripts/build/program.ts';
import type { Scope } from '../../../scope.ts';
import type { Fault } from '../fault.ts';
import { faultsByKind } from '../faults.ts';
import { type Installation, startInstallation } from '../installation.ts';
import { judge, type Outcome, runFault } from '../run.ts';
import { type Sample, slopePerHour, takeSample } from './sample.ts';

/** What the program tells the one that started it. */
export type SoakMessage = { readonly note: string } | { readonly figures: Figures; readonly summary: string };

/** Faults that leave the process of the proxy alive, so that its memory can be followed. */
const mixed = [
  'nothing breaks',
  'PostgreSQL is stopped for 5 seconds',
  'the connections to PostgreSQL fall silent',
  'PostgreSQL commits, and its answers are lost',
  'the connections to the provider are cut, again and again',
  'PostgreSQL is killed, and starts again',
  'the provider answers 503, and well at the second try',
  'clients leave, at every stage',
  'the provider cuts its answers',
];

const sampleMs = 2_000;

const tell = (message: SoakMessage) => void process.send?.(message);

/** A steady load for minutes, with a fault in each round. After each round the accounts are compared. */
async function soak(minutes: number, roundS: number): Promise<void> {
  const [scope, release] = makeScope();
  // Whoever started it has gone.
  process.on('disconnect', () => void release().then(() => process.exit(1)));
  const installation = await startInstallation(scope);
  const faults = mixed.map(findFault);
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  const sampling = sampleUntilStopped(installation, seconds);
  const outcomes: Outcome[] = [];
  const failures: string[] = [];
  for (let number = 0; seconds() < minutes * 60; number += 1) {
    const fault = faults[number % faults.length];
    if (!fault) break;
    const tellOf = (what: string) => tell({ note: `${Math.round(seconds())} s: ${fault.name}, ${what}` });
    try {
      const outcome = await runRound(installation, fault, roundS);
      outcomes.push(outcome);
      tellOf(`${outcome.comparison.calls} calls`);
      judge(fault, outcome);
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      failures.push(`${fault.name}: ${failure}`);
      tellOf(failure);
    }
    // Nobody looks for secrets in them here, and they would take all memory.
    installation.traces.length = 0;
  }
  const samples = await sampling.stop();
  tell({
    figures: figuresOf(outcomes, samples, failures.length, seconds()),
    summary: [`${minutes} minutes, ${outcomes.length} rounds.`, ...failures].join('\n\n'),
  });
  await release();
}

/** @throws where the matrix has none of this name */
function findFault(name: string): Fault {
  const found = Object.values(faultsByKind)
    .flat()
    .find((fault) => fault.name === name);
  if (!found) throw new Error(`The matrix has no fault with the name '${name}'`);
  return found;
}

/** What is made in it is released the last first. */
function makeScope(): readonly [Scope, () => Promise<void>] {
  const releasers: (() => unknown)[] = [];
  const release = async () => {
    for (const each of releasers.splice(0).reverse()) await each();
  };
  return [{ after: (each) => void releasers.push(each) }, release];
}

/** A fault in the middle of a load that goes on to the end of the round. */
async function runRound(installation: Installation, fault: Fault, roundS: number): Promise<Outcome> {
  const [scope, release] = makeScope();
  const lasting: Fault = {
    ...fault,
    async strike(strike) {
      const end = sleep(roundS * 1_000);
      await fault.strike?.(strike);
      await end;
    },
  };
  try {
    return await runFault(installation, scope, lasting);
  } finally {
    await release();
  }
}

function sampleUntilStopped(installation: Installation, seconds: () => number) {
  const samples: Sample[] = [];
  let stopped = false;
  const sampling = (async () => {
    while (!stopped) {
      // While PostgreSQL is away, there is none.
      const sample = await takeSample(installation, seconds()).catch(() => undefined);
      if (sample) samples.push(sample);
      await sleep(sampleMs);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await sampling;
      return samples;
    },
  };
}

function figuresOf(outcomes: readonly Outcome[], samples: readonly Sample[], failed: number, seconds: number): Figures {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  // The first part warms up.
  const settled = samples.slice(Math.floor(samples.length / 3));
  const [first, last] = [settled[0], settled.at(-1)];
  if (!first || !last) throw new Error('There are no samples: the soak was too short');
  const most = (of: (sample: Sample) => number) => Math.max(...samples.map(of));
  const calls = sum(({ comparison }) => comparison.calls);
  return {
    calls,
    calls_per_s: round(calls / seconds),
    lost: sum(({ comparison }) => comparison.lost.length),
    doubled: sum(({ comparison }) => comparison.doubled.length),
    cost_difference_usd: sum(({ comparison }) => comparison.costDifference) / 1e12,
    failed_rounds: failed,
    memory_start_mb: round(first.memoryMb),
    memory_end_mb: round(last.memoryMb),
    memory_most_mb: round(most(({ memoryMb }) => memoryMb)),
    memory_slope_mb_per_h: round(slopePerHour(settled, ({ memoryMb }) => memoryMb)),
    event_loop_p99_median_ms: round(median(samples.map(({ eventLoopP99Ms }) => eventLoopP99Ms))),
    event_loop_p99_most_ms: round(most(({ eventLoopP99Ms }) => eventLoopP99Ms)),
    descriptors_most: most(({ descriptors }) => descriptors),
    descriptors_growth: last.descriptors - first.descriptors,
    spool_files_most: most(({ spoolFiles }) => spoolFiles),
    spool_most_mb: round(most(({ spoolMb }) => spoolMb)),
    postgres_dead_rows_ratio: round(last.deadRatio),
    postgres_changed_tables_start_mb: round(first.changedTablesMb),
    postgres_changed_tables_end_mb: round(last.changedTablesMb),
  };
}

process.env.CHAPERONE_TEST_PROGRAM ??= join(import.meta.dirname, '..', '..', '..', '..', 'dist', launcherFile);
const [minutes = 10, roundS = 30] = process.argv.slice(2).map(Number);
void soak(minutes, roundS).then(() => process.exit(0));
