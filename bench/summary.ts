import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { addToDays } from '../database/sentiment-days.ts';
import { type Installation, startInstallation } from './analytics/installation.ts';
import { type Benchmark, formatTable, median, round } from './benchmark.ts';
import { storeConversations } from './support/figures.ts';

const batchSize = 1_000;
/** Days before today, each with texts and with queries about as many issues. */
const former = { days: 1_000, issues: 100, texts: 1_000 };
const conversations = 1_000_000;
const periods = ['', 'daily', 'weekly', 'monthly'] as const;
const requestsPerPeriod = 100;

/** Measures how fast the summary of many texts is read, and compares it with the answers that the texts have got. */
export const summary: Benchmark = {
  async run(context) {
    const { values } = parseArgs({
      args: [...context.args],
      options: { texts: { type: 'string', default: '1000000' } },
    });
    const texts = Number(values.texts);
    if (!Number.isInteger(texts / batchSize) || texts <= 0) throw new Error('--texts takes a number of thousands');
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    context.onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    context.note('Starting everything ...');
    const installation = await startInstallation(directory, context);
    context.note(`Analysing ${texts.toLocaleString('en')} texts ...`);
    const startedTicks = performance.now();
    const own = await analyse(installation, texts);
    const perS = texts / ((performance.now() - startedTicks) / 1_000);
    const wrong = findWrong(await read(installation, `?start_date=${today()}`), own);
    context.note('Storing what was said before ...');
    await storeConversations(installation.databaseUrl, installation.organizationId, conversations);
    await storeFormer(installation);
    const times = await measure(installation);
    const all = [...times.values()].flat().sort((one, other) => one - other);
    const p95 = (sorted: readonly number[]) => sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.NaN;
    const table = formatTable([
      ['period', 'p50 ms', 'p95 ms'],
      ...[...times].map(([period, taken]) => [period, String(round(median(taken))), String(round(p95(taken)))]),
    ]);
    return {
      figures: {
        ...{ texts_count: texts, analysed_texts_per_s: Math.round(perS), wrong_figures_count: wrong.length },
        ...{ summary_p50_ms: round(median(all)), summary_p95_ms: round(p95(all)) },
      },
      reach: { wrong_figures_count: { max: 0 }, summary_p95_ms: { max: 100 } },
      summary: [table, ...wrong].join('\n'),
    };
  },
};

interface Answered {
  readonly sentiment: 'positive' | 'negative' | 'neutral';
  readonly positive: number;
  readonly negative: number;
}

/** What clients have been answered: counts of labels, and sums in thousandths. */
interface Sums {
  readonly labels: Record<Answered['sentiment'], number>;
  texts: number;
  scores: number;
}

/** Through the front door, over two connections. */
async function analyse(installation: Installation, texts: number): Promise<Sums> {
  const sums: Sums = { labels: { positive: 0, negative: 0, neutral: 0 }, texts: 0, scores: 0 };
  let next = 0;
  const send = async () => {
    while (next < texts) {
      const first = next;
      next += batchSize;
      const said = Array.from({ length: batchSize }, (_, at) => ({ id: String(first + at), text: textOf(first + at) }));
      const { results } = await ask(installation, 'POST', '/analyze/batch', { conversations: said });
      for (const { sentiment, positive, negative } of results as readonly Answered[]) {
        sums.labels[sentiment] += 1;
        sums.texts += 1;
        sums.scores += 1_000 + Math.round(positive * 1_000) - Math.round(negative * 1_000);
      }
    }
  };
  await Promise.all([send(), send()]);
  return sums;
}

const beginnings = ['I think that', 'Honestly,', 'My friends say that', 'As far as I can tell,', 'This time'];
const subjects = ['the app', 'your support', 'this card', 'the branch', 'my invoice', 'the new website'];
const verdicts = [
  'was great!',
  'is not bad',
  'was HORRIBLE!!',
  'has two pages.',
  'was slow, but friendly',
  'is okay :)',
];

function textOf(number: number): string {
  const [subject, verdict] = [Math.floor(number / beginnings.length), Math.floor(number / 30)];
  const of = (all: readonly string[], at: number) => all[at % all.length] ?? '';
  return `${of(beginnings, number)} ${of(subjects, subject)} ${of(verdicts, verdict)} It was visit ${number}.`;
}

/** What the summary says otherwise than the answers. */
function findWrong(found: Readonly<Record<string, never>>, { labels, texts, scores }: Sums): string[] {
  const expected = {
    total_conversations: texts,
    sentiment_distribution: Object.fromEntries(
      Object.entries(labels).map(([label, count]) => [label, Number((count / texts).toFixed(4))]),
    ),
    timeline_data: [
      { date: today(), conversations: texts, avg_sentiment: Number((scores / texts / 2_000).toFixed(4)) },
    ],
  };
  return Object.entries(expected)
    .filter(([name, value]) => JSON.stringify(found[name]) !== JSON.stringify(value))
    .map(([name, value]) => `${name} is ${JSON.stringify(found[name])}, not ${JSON.stringify(value)}`);
}

async function storeFormer({ databaseUrl, organizationId }: Installation): Promise<void> {
  const db = new Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    for (let ago = 1; ago <= former.days; ago += 1) {
      const day = dayBefore(ago);
      const counts = { texts: former.texts, positive: 600 + (ago % 50), negative: 200 - (ago % 40) };
      await addToDays(db, organizationId, {
        texts: [{ day, ...counts, scoreSum: 1_300_000 + ago }],
        issues: Array.from({ length: former.issues }, (_, at) => ({
          ...{ day, issue: `issue_${at}`, queries: 1 + ((at * ago) % 7), rated: 1, scoreSum: 900 + at },
        })),
      });
    }
    await db.query('analyze chaperone.sentiment_days, chaperone.issue_days, chaperone.support_days');
  } finally {
    await db.end();
  }
}

/** Milliseconds, sorted, by what is asked. */
async function measure(installation: Installation): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>();
  for (const period of periods) {
    const query = period && `?start_date=${dayBefore(former.days)}&granularity=${period}`;
    const taken: number[] = [];
    for (let at = 0; at < requestsPerPeriod; at += 1) {
      const startedTicks = performance.now();
      await read(installation, query);
      taken.push(performance.now() - startedTicks);
    }
    const name = period === '' ? '30 days' : `${former.days} days, ${period}`;
    times.set(
      name,
      taken.sort((one, other) => one - other),
    );
  }
  return times;
}

function read(installation: Installation, query: string) {
  return ask(installation, 'GET', `/analytics/summary${query}`);
}

async function ask({ baseUrl, token }: Installation, method: string, path: string, body?: object) {
  const answer = await fetch(new URL(`/api/v1${path}`, baseUrl), {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text).data;
}

function today(): string {
  return dayBefore(0);
}

function dayBefore(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}
