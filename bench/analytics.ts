import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openHistory } from './analytics/history.ts';
import { startInstallation } from './analytics/installation.ts';
import { measureIngest } from './analytics/measure-ingest.ts';
import { makePersonas } from './analytics/personas.ts';
import { askAll, listQuestions, type Question, type Timing } from './analytics/questions.ts';
import { type Benchmark, type Figures, formatTable, median, type Reach, round } from './benchmark.ts';

const minIngestPerS = 10_000;
const ingestRounds = 3;

/** Measures the cost of analytics for an organization with a history, and how fast usage gets into Postgres. */
export const analytics: Benchmark = {
  async run(context) {
    const { sizes, runs, ingest, only, kept } = readOptions(context.args);
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    note('Starting everything ...');
    const installation = await startInstallation(kept ?? directory, context);
    const personaIds = await makePersonas(installation);
    const [personaId = ''] = personaIds;
    const questions = listQuestions(personaId, () => history.sessions).filter(({ name }) => name.includes(only));
    if (questions.length === 0) throw new Error(`No question has a name with ${only}`);
    const hasSums = questions.some(({ needsSums }) => needsSums);
    const history = await openHistory(installation, { personaIds, hasSums });
    onEnd(() => history.close());

    const rounds: Round[] = [];
    for (const size of sizes) {
      note(`Making a past of ${size.toLocaleString('en')} calls ...`);
      const startedAt = performance.now();
      await history.add(size - history.rows);
      note(`  took ${Math.round((performance.now() - startedAt) / 1_000)} s`);
      rounds.push({ size, timings: await askAll(installation, questions, runs) });
    }
    const ingestPerS: number[] = [];
    for (let number = 1; number <= ingestRounds && ingest > 0; number += 1) {
      note(`Copying ${ingest.toLocaleString('en')} records from a spool ...`);
      ingestPerS.push(await measureIngest(installation, join(directory, `ingest-${number}`), ingest, context));
      note(`  ${Math.round(ingestPerS.at(-1) ?? 0).toLocaleString('en')} a second`);
    }
    return report(rounds, questions, ingest > 0 ? median(ingestPerS) : undefined);
  },
};

interface Round {
  readonly size: number;
  readonly timings: ReadonlyMap<string, Timing>;
}

interface Options {
  readonly sizes: readonly number[];
  readonly runs: number;
  /** How many records are copied from a spool. 0: that is not measured. */
  readonly ingest: number;
  /** A part of the names of the questions that are asked. */
  readonly only: string;
  /** Where the history is kept for later runs. Undefined: nowhere. */
  readonly kept: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '1000000,10000000' },
      runs: { type: 'string', default: '50' },
      ingest: { type: 'string', default: '100000' },
      only: { type: 'string', default: '' },
      keep: { type: 'string' },
    },
  });
  const sizes = values.rows.split(',').map(Number);
  if (sizes.some((size, index) => !Number.isInteger(size) || size <= (sizes[index - 1] ?? 0))) {
    throw new Error('--rows takes numbers of calls, separated by commas, each larger than the last');
  }
  const [runs, ingest] = [Number(values.runs), Number(values.ingest)];
  if (!(Number.isInteger(runs) && runs > 0)) throw new Error('--runs takes a number of runs');
  if (!(Number.isInteger(ingest) && ingest >= 0)) throw new Error('--ingest takes a number of records');
  const kept = values.keep === undefined ? undefined : resolve(values.keep);
  return { sizes, runs, ingest, only: values.only, kept };
}

function report(rounds: readonly Round[], questions: readonly Question[], ingestPerS: number | undefined) {
  const figures: Record<string, number> = {};
  const reach: Record<string, { min?: number; max?: number }> = {};
  const largest = rounds.at(-1);
  for (const { size, timings } of rounds) {
    for (const [name, { p50Ms, p95Ms }] of timings) {
      figures[`${name}_${sizeName(size)}_p50_ms`] = round(p50Ms);
      figures[`${name}_${sizeName(size)}_p95_ms`] = round(p95Ms);
      const question = questions.find((one) => one.name === name);
      if (question && size === largest?.size) {
        reach[`${name}_${sizeName(size)}_p95_ms`] = { max: question.maxP95Ms };
      }
    }
  }
  const [smallest] = rounds;
  if (smallest && largest && smallest !== largest) {
    figures[`p50_${sizeName(largest.size)}_to_${sizeName(smallest.size)}_ratio`] = round(growth(smallest, largest));
  }
  if (ingestPerS !== undefined) {
    figures.ingest_rows_per_s = Math.round(ingestPerS);
    reach.ingest_rows_per_s = { min: minIngestPerS };
  }
  const summary = `Load of the machine: ${loadavg().map(round).join(', ')}.\n\n${formatTable(tableOf(rounds, questions))}`;
  return { figures: figures satisfies Figures, reach: reach satisfies Reach, summary };
}

/** The median, over the queries, of how much longer they take. */
function growth(smallest: Round, largest: Round): number {
  return median(
    Array.from(largest.timings, ([name, { p50Ms }]) => p50Ms / (smallest.timings.get(name)?.p50Ms ?? Number.NaN)),
  );
}

function tableOf(rounds: readonly Round[], questions: readonly Question[]): string[][] {
  const head = ['ms', ...rounds.flatMap(({ size }) => [`${sizeName(size)} p50`, 'p95'])];
  const rows = questions.map(({ name }) => [
    name,
    ...rounds.flatMap(({ timings }) => {
      const timing = timings.get(name);
      return timing ? [String(round(timing.p50Ms)), String(round(timing.p95Ms))] : [];
    }),
  ]);
  return [head, ...rows];
}

/** 1m for a million. */
function sizeName(size: number): string {
  return size % 1_000_000 === 0 ? `${size / 1_000_000}m` : String(size);
}
