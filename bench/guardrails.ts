import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Detector } from '../proxy/guardrails/detect/detector.ts';
import { type DetectorConfig, makeDetector } from '../proxy/guardrails/detect/make-detector.ts';
import { makeCorpus } from '../test/proxy/guardrails/detect/corpus/corpus.ts';
import { fillTemplates } from '../test/proxy/guardrails/detect/corpus/foreign.ts';
import { judge, type Score } from '../test/proxy/guardrails/detect/corpus/judge.ts';
import { type Benchmark, type Figures, formatTable, median, type Reach, round } from './benchmark.ts';

const promptLength = 4_096;
const itemsPerTemplate = 50;
/** How many times a prompt is scanned in one measurement, and how many measurements there are. */
const scans = 200;
const rounds = 25;
const deltaLength = 4;

const prose =
  'The quarterly review covers what the support team learned about delivery times in Europe. Customers ask for clear answers, and most of them accept a delay when they hear of it early. Summarize the three main points, compare them with last year, and suggest what to change in the process. ';

/** A prompt without anything to find, and one in which a text of the corpus comes every few sentences. */
const prompts: Readonly<Record<string, string>> = {
  plain: prose.repeat(20).slice(0, promptLength),
  mixed: makeCorpus(1, 3)
    .map(({ text }, index) => (index % 2 === 0 ? `${text} ${prose}` : text))
    .join(' ')
    .slice(0, promptLength),
};

const configs: readonly DetectorConfig[] = [
  { detector: 'pii' },
  { detector: 'secrets' },
  { detector: 'words', words: prose.split(' ').map((word, index) => `${word}${index}`) },
  {
    detector: 'patterns',
    patterns: Array.from({ length: 20 }, (_, index) => ({ pattern: `\\bPRJ${index}-\\d{3,6}\\b` })),
  },
  { detector: 'injection' },
];

const reach: Reach = {
  pii_4kb_plain_median_us: { max: 200 },
  pii_4kb_mixed_best_us: { max: 200 },
  ...Object.fromEntries(
    ['email', 'card', 'iban', 'ip', 'secret'].flatMap((kind) => [
      [`${kind}_held_out_precision_ratio`, { min: 0.95 }],
      [`${kind}_held_out_recall_ratio`, { min: 0.95 }],
    ]),
  ),
};

/** How long detectors take, and how well they find what a labelled corpus has. */
export const guardrails: Benchmark = {
  run: async ({ args, note }) => {
    const { values } = parseArgs({ args: [...args], options: { templates: { type: 'string' } } });
    const figures: Record<string, number> = {};
    const rows: string[][] = [['', 'plain best', 'median', 'mixed best', 'median', 'a delta']];
    for (const config of configs) {
      note(`Measuring ${config.detector} ...`);
      const detector = await makeDetector(config);
      const speed = measureSpeed(detector);
      Object.assign(figures, speed);
      rows.push([detector.name, ...Object.values(speed).map((value) => `${value} µs`)]);
    }
    note('Judging on the corpus ...');
    const { figures: judged, table } = await judgeCorpus();
    Object.assign(figures, judged);
    let summary = `A prompt of 4 KB, and the delta of a stream:\n\n${formatTable(rows)}\n\nThe labelled corpus:\n\n${table}`;
    if (values.templates !== undefined) {
      note('Judging on templates of others ...');
      const others = await judgeTemplates(await readFile(values.templates, 'utf8'));
      Object.assign(figures, others.figures);
      summary += `\n\nTemplates of others:\n\n${others.table}`;
    }
    return { figures, reach, summary };
  },
};

function measureSpeed(detector: Detector): Figures {
  const figures: Record<string, number> = {};
  for (const [name, prompt] of Object.entries(prompts)) {
    timeOf(() => void detector.scan(prompt), 10 * scans);
    const times = Array.from({ length: rounds }, () => timeOf(() => void detector.scan(prompt), scans));
    figures[`${detector.name}_4kb_${name}_best_us`] = round(Math.min(...times));
    figures[`${detector.name}_4kb_${name}_median_us`] = round(median(times));
  }
  const deltas = (prompts.mixed ?? '').match(new RegExp(`[^]{1,${deltaLength}}`, 'g')) ?? [];
  const times = Array.from({ length: rounds }, () => timeOf(() => readStream(detector, deltas), 5));
  figures[`${detector.name}_delta_median_us`] = round(median(times) / deltas.length);
  return figures;
}

function readStream(detector: Detector, deltas: readonly string[]): void {
  const stream = detector.openStream();
  for (const delta of deltas) stream.push(delta);
  stream.end();
}

/** Microseconds. */
function timeOf(run: () => void, times: number): number {
  const startedAt = process.hrtime.bigint();
  for (let index = 0; index < times; index++) run();
  return Number(process.hrtime.bigint() - startedAt) / 1_000 / times;
}

/** Personal data, secrets, and names, which a rule must ask for. */
function makeDetectors(): Promise<Detector[]> {
  return Promise.all([
    makeDetector({ detector: 'pii' }),
    makeDetector({ detector: 'secrets' }),
    makeDetector({ detector: 'pii', kinds: ['name'] }),
  ]);
}

async function judgeCorpus(): Promise<{ figures: Figures; table: string }> {
  const corpus = makeCorpus(itemsPerTemplate);
  const figures: Record<string, number> = {};
  const rows: string[][] = [['kind', 'expected', 'precision', 'recall', 'held out', 'precision', 'recall']];
  for (const detector of await makeDetectors()) {
    const [known, heldOut] = [false, true].map((isHeldOut) => {
      return judge(
        detector,
        corpus.filter((item) => item.isHeldOut === isHeldOut),
      ).scores;
    });
    for (const [kind, score] of heldOut ?? []) {
      Object.assign(figures, toFigures(`${kind}_held_out`, score));
      rows.push([kind, ...toCells(known?.get(kind)), ...toCells(score)]);
    }
  }
  return { figures, table: formatTable(rows) };
}

async function judgeTemplates(templates: string): Promise<{ figures: Figures; table: string }> {
  const items = fillTemplates(templates, 10);
  const figures: Record<string, number> = {};
  const rows: string[][] = [['kind', 'expected', 'precision', 'recall']];
  for (const detector of await makeDetectors()) {
    for (const [kind, score] of judge(detector, items).scores) {
      if (score.expected === 0) continue;
      Object.assign(figures, toFigures(`${kind}_others`, score));
      rows.push([kind, ...toCells(score)]);
    }
  }
  return { figures, table: formatTable(rows) };
}

function toFigures(name: string, { precision, recall }: Score): Figures {
  return { [`${name}_precision_ratio`]: round(precision), [`${name}_recall_ratio`]: round(recall) };
}

function toCells(score: Score | undefined): string[] {
  if (score === undefined) return ['0', '', ''];
  return [String(score.expected), score.precision.toFixed(3), score.recall.toFixed(3)];
}
