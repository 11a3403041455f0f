import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { history } from '../analytics/history.ts';
import { type Installation, quickstart, startInstallation } from '../analytics/installation.ts';
import { measureIngest } from '../analytics/measure-ingest.ts';
import { askAll, listQuestions } from '../analytics/questions.ts';
import { type Figures, formatTable, median, type Result, round } from '../benchmark.ts';
import type { PartContext } from './part.ts';
import { type Made, makeRows } from './rows/make.ts';
import { measureRetention } from './rows/retention.ts';

const runs = 20;
const ingest = { rounds: 3, records: 100_000 };

/**
 * Measures analytics, ingest and retention of an organization with many millions of records. Where a directory is named,
 * its database is made at the first run, and measured by the next one.
 */
export async function measureRows(context: PartContext): Promise<Result> {
  const { count, directory, isKept, note } = context;
  const made = await readMade(directory);
  if (made && made.wanted !== count) throw new Error(`${directory} has ${made.wanted} rows. Name another directory`);
  const resources = join(directory, 'resources');
  const fresh = made ?? (await make(context, resources));
  if (!made && isKept) return reportMade(fresh, directory);

  const installation = await startInstallation(directory, context, resources);
  const analytics = await measureAnalytics(installation, fresh, context);
  const ingested = await compareIngest(installation, context);
  note('Retention drops the partition of the oldest month, while records are written and read ...');
  const retained = await measureRetention(installation, join(resources, 'organization.yaml'), context);
  return {
    figures: { rows: fresh.rows, row_bytes: fresh.rowBytes, ...analytics.figures, ...ingested, ...retained },
    reach: {
      sums_equal_ratio: { min: 1, max: 1 },
      analytics_p95_ms: { max: 100 },
      ingest_to_empty_ratio: { min: 0.85 },
      retention_longest_wait_ms: { max: 500 },
    },
    summary: `${fresh.rows.toLocaleString('en')} rows, made in ${fresh.seconds} s.\n\n${analytics.table}`,
  };
}

async function readMade(directory: string): Promise<Made | undefined> {
  const text = await readFile(join(directory, 'made.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Made);
}

async function make(context: PartContext, resources: string): Promise<Made> {
  await mkdir(context.directory, { recursive: true });
  await cp(quickstart, resources, { recursive: true });
  const made = await makeRows(resources, context);
  await writeFile(join(context.directory, 'made.json'), JSON.stringify(made));
  return made;
}

function reportMade(made: Made, directory: string): Result {
  return {
    figures: { rows: made.rows, row_bytes: made.rowBytes, made_s: made.seconds, sums_equal_ratio: made.sumsEqual },
    reach: { sums_equal_ratio: { min: 1, max: 1 } },
    summary: `The rows are in ${directory}. The next run with it measures.`,
  };
}

async function measureAnalytics(
  installation: Installation,
  { personaIds, sumsEqual, wanted }: Made,
  { note }: PartContext,
): Promise<{ figures: Figures; table: string }> {
  const ofDay = Math.round(wanted / history.days / history.callsPerSession);
  const questions = listQuestions(personaIds[0] ?? '', () => ofDay * history.days);
  note(`Asking ${questions.length} questions, ${runs} times each ...`);
  const timings = [...(await askAll(installation, questions, runs))];
  const worst = timings.toSorted(([, a], [, b]) => b.p95Ms - a.p95Ms)[0];
  const within = timings.filter(([name, { p95Ms }]) => p95Ms <= maxOf(questions, name));
  const rows = timings.map(([name, { p50Ms, p95Ms }]) => [name, String(round(p50Ms)), String(round(p95Ms))]);
  return {
    figures: {
      sums_equal_ratio: sumsEqual,
      analytics_p50_ms: round(median(timings.map(([, { p50Ms }]) => p50Ms))),
      analytics_p95_ms: round(worst?.[1].p95Ms ?? Number.NaN),
      analytics_within_ratio: round(within.length / timings.length),
    },
    table: formatTable([['ms', 'p50', 'p95'], ...rows]),
  };
}

function maxOf(questions: ReturnType<typeof listQuestions>, name: string): number {
  return questions.find((question) => question.name === name)?.maxP95Ms ?? Number.NaN;
}

/** In turns with an installation without rows, so that what else the machine does concerns both. */
async function compareIngest(full: Installation, context: PartContext): Promise<Figures> {
  const place = join(context.directory, 'empty');
  await rm(place, { recursive: true, force: true });
  const empty = await startInstallation(place, context);
  const ratios: number[] = [];
  const perS: number[] = [];
  for (let number = 1; number <= ingest.rounds; number += 1) {
    context.note(`Copying ${ingest.records} records to either database, round ${number} of ${ingest.rounds} ...`);
    const spool = (name: string) => join(place, `spool-${name}-${number}`);
    const toEmpty = await measureIngest(empty, spool('empty'), ingest.records, context);
    const toFull = await measureIngest(full, spool('full'), ingest.records, context);
    ratios.push(toFull / toEmpty);
    perS.push(toFull);
  }
  await empty.stop();
  await rm(place, { recursive: true, force: true });
  return { ingest_rows_per_s: Math.round(median(perS)), ingest_to_empty_ratio: round(median(ratios)) };
}
