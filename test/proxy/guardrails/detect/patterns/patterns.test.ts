import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { DetectorConfigError } from '../../../../../proxy/guardrails/detect/config-error.ts';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import type { PatternConfig } from '../../../../../proxy/guardrails/detect/patterns/patterns.ts';
import { assertByteSplits, assertSplits, found, scanPieces } from '../splits.ts';

const make = (patterns: readonly (string | PatternConfig)[], maxMatchLength = 256) =>
  makeDetector({
    detector: 'patterns',
    patterns: patterns.map((each) => (typeof each === 'string' ? { pattern: each } : each)),
    maxMatchLength,
  });

const texts: readonly (readonly [patterns: readonly string[], text: string, ...found: string[]])[] = [
  [['\\b[A-Z]{2,5}-\\d+\\b'], 'ABC-12, xABC-1 and 😀AB-3', 'ABC-12', 'AB-3'],
  [['foo(bar)?baz|foo'], 'foobarbaz foobar foo', 'foobarbaz', 'foo', 'foo'],
  [['(?s)BEGIN.*?END'], 'BEGIN 1\n2 END END', 'BEGIN 1\n2 END'],
  [['(?i)äb+'], 'ÄBB äb', 'ÄBB', 'äb'],
  [['^a+', 'a+$'], 'aa b aa', 'aa', 'aa'],
  [['(?m)^x$'], 'x\ny\nx', 'x', 'x'],
  [['a[^z]*z', 'b'], 'abbbz abb', 'abbbz', 'b', 'b'],
  [['.😀'], 'a😀b', 'a😀'],
];

suite('patterns', () => {
  for (const [patterns, text, ...expected] of texts) {
    test(`${patterns.join(', ')} find ${expected.join(' | ')} in ${text}`, async () => {
      const detector = await make(patterns);
      assert.deepEqual(
        found(detector, text).map(([, each]) => each),
        expected,
      );
      assertSplits(detector, text);
      assertByteSplits(detector, text);
    });
  }

  test('matches have the names of their patterns', async () => {
    const detector = await make([
      { name: 'ticket', pattern: 'T-\\d+' },
      { pattern: 'x', ignoreCase: true },
    ]);
    assert.deepEqual(detector.kinds, ['ticket', 'pattern']);
    assert.deepEqual(found(detector, 'T-1 X'), [
      ['ticket', 'T-1'],
      ['pattern', 'X'],
    ]);
  });

  test('a match that is longer than the bound is none, and what comes within it may be one', async () => {
    const detector = await make(['(?s)BEGIN.*END', 'y+'], 20);
    const text = `BEGIN ${'x'.repeat(30)} yy END`;
    assert.deepEqual(
      found(detector, text).map(([, each]) => each),
      ['yy'],
    );
    assertSplits(detector, text);
  });

  /** What re2js itself finds in the whole text. */
  const findByRe2 = (pattern: string, text: string) => {
    const matcher = RE2JS.compile(pattern).matcher(text);
    const matches = [];
    while (matcher.find()) matches.push({ start: matcher.start(), end: matcher.end(), kind: 'pattern' });
    return matches;
  };

  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('a', 'b', '[ab]', '[^a]', '.', 'ä', '😀', '\\d', '\\w', '\\b', '^', '$', '(?i:A)'),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `${a}${b}`),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
      fc
        .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}'))
        .map(([a, times]) => `(?:${a})${times}`),
    ),
  }));
  const pieces = fc.array(fc.constantFrom('a', 'b', 'ä', 'A', '1', ' ', '\n', '😀', '\ud83d', 'ab', 'aab'), {
    maxLength: 20,
  });

  test('find what re2js finds in the whole text, in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(pattern, pieces, async (each, texts) => {
        const detector = await make([each]).catch((error: unknown) => {
          // Only patterns that match the empty text.
          assert.match(String(error), /empty text/);
          return undefined;
        });
        if (detector === undefined) return;
        const text = texts.join('');
        assert.deepEqual(detector.scan(text), findByRe2(each, text), `${each} in ${JSON.stringify(text)}`);
        assert.deepEqual(scanPieces(detector, texts), detector.scan(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test('take time that grows with the text alone, for patterns that other engines choke on', async () => {
    const detector = await make(['(x+x+)+y', '([a-z]+)*=', '(.*)(.*)(.*)(.*)(.*)!']);
    const startedAt = process.cpuUsage().user;
    detector.scan('x'.repeat(20_000));
    assert.ok(process.cpuUsage().user - startedAt < 5_000_000, 'within five seconds of processor time');
  });

  test('refuses what is not in the syntax of RE2, matches the empty text, or is too large', async () => {
    const refuses = (patterns: readonly string[], field: string, expected: RegExp) =>
      assert.rejects(
        make(patterns),
        (error) => error instanceof DetectorConfigError && error.field === field && expected.test(error.message),
      );
    await refuses([], 'patterns', /at least one/);
    await refuses(['a', '(a'], 'patterns[1].pattern', /syntax of RE2: .*missing closing/);
    await refuses(['(?<=x)y'], 'patterns[0].pattern', /syntax of RE2/);
    await refuses(['(a)\\1'], 'patterns[0].pattern', /syntax of RE2/);
    await refuses(['a*'], 'patterns[0].pattern', /empty text/);
    await refuses(['x'.repeat(1_001)], 'patterns[0].pattern', /1000 characters/);
    await refuses(
      Array.from({ length: 60 }, () => '[a-z]{100}'),
      'patterns',
      /smaller/,
    );
    await refuses(
      Array.from({ length: 101 }, () => 'a'),
      'patterns',
      /at most 100/,
    );
    await assert.rejects(make(['a'], 5_000), /maxMatchLength must be from 1 to 4096/);
  });
});
