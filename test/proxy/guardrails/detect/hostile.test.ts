import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { checkSync, type Diagnostics } from 'recheck';
import { type DetectorConfig, makeDetector } from '../../../../proxy/guardrails/detect/make-detector.ts';
import { scanPieces } from './splits.ts';

const folder = join(import.meta.dirname, '../../../../proxy/guardrails/detect');

const configs: readonly DetectorConfig[] = [
  { detector: 'pii' },
  { detector: 'secrets' },
  { detector: 'injection' },
  { detector: 'words', words: ['a a a a a a a b', 'aab'] },
  { detector: 'patterns', patterns: [{ pattern: '(a+a+)+b' }, { pattern: '(?:a|b|1)*c' }] },
];

/** Texts that keep detectors in the middle of possible matches, or make them begin at every character. */
const repeated: readonly string[] = [
  ...['a', '1', '!', ' ', '.', 'a.', 'a@', '1 ', '12 A', '12 Aa ', '1.', '(1', '+', ':', 'f:', '-', 'A', 'Aa '],
  ...[
    '12 rue de la ',
    '12 rue A ',
    'Via A ',
    'C/',
    'born ',
    'born 1 ',
    '4111 ',
    'DE89 ',
    'sk-',
    'eyJ',
    'eyJ.',
    '=a1',
    ':"a',
  ],
  ...[
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    'https://',
    'http://a:b',
    'ignore all ',
    'ignore the ',
    '<|',
    '忽略',
    '\u200b',
    '😀',
  ],
  ...['name is A ', 'password=', 'tel 1', 'a\n', 'aaaa-', '8Q~', 'aaa8Q~'],
];
const length = 64 * 1024;
const deltas = 8 * 1024;
/** Many times what it takes; a text on which the work grows with its square takes more. */
const mostSeconds = 5;

suite('hostile texts', () => {
  for (const config of configs) {
    test(`cost ${config.detector} no more than their length, whole and character by character`, async () => {
      const detector = await makeDetector(config);
      for (const each of repeated) {
        const text = each.repeat(Math.ceil(length / each.length));
        const startedAt = process.cpuUsage().user;
        detector.scan(text);
        scanPieces(detector, Array.from(text.slice(0, deltas)));
        const seconds = (process.cpuUsage().user - startedAt) / 1_000_000;
        assert.ok(seconds < mostSeconds, `${seconds} s for ${JSON.stringify(each)}`);
      }
    });
  }
});

suite("our own patterns, which are V8's", () => {
  /** Literals in formatted code, and where they are. */
  const literal =
    /(?<=[=(,:[!?&|]\s?|\n\s*|return )\/(?![*/])(?<source>(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/(?<flags>[dgimsuvy]*)/g;
  const patterns = globSync('**/*.ts', { cwd: folder }).flatMap((file) => {
    const found = readFileSync(join(folder, file), 'utf8').matchAll(literal);
    return [...found].map(({ groups }) => ({ file, source: groups?.source ?? '', flags: groups?.flags ?? '' }));
  });

  test('take no exponential time, by recheck', () => {
    assert.ok(patterns.length > 120, `${patterns.length} patterns`);
    // They only see pieces of bounded length. What recheck cannot decide in time is measured above.
    const slow = patterns.filter(({ source, flags }) => isExponential(check(source, flags, 300)));
    assert.deepEqual(slow, []);
    assert.ok(isExponential(check('^(a+)+$', '', 5_000)));
  });
});

function isExponential(diagnostics: Diagnostics): boolean {
  return 'complexity' in diagnostics && diagnostics.complexity?.type === 'exponential';
}

/** recheck in JavaScript, in this thread: without its programs for other platforms, and without a worker. */
function check(source: string, flags: string, timeout: number): Diagnostics {
  process.env.RECHECK_SYNC_BACKEND = 'pure';
  try {
    return checkSync(source, flags, { timeout });
  } finally {
    delete process.env.RECHECK_SYNC_BACKEND;
  }
}
