import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { renderFrame, sortKeys, type View } from '../../../cli/top/frame.ts';
import { type Figures, groupings, type Sample, toSample } from '../../../cli/top/sample.ts';
import type { LiveRow } from '../../../database/analytics/live.ts';

const row = (by: LiveRow['by'], name: string, changes: Partial<LiveRow> = {}): LiveRow => ({
  ...{ by, name, calls: 120, failed: 6, inputTokens: 600, outputTokens: 600, costUsd: 0.5, p50Ms: 90, p95Ms: 1_500 },
  ...changes,
});
const rows: readonly LiveRow[] = [
  row('total', ''),
  row('organization', 'acme'),
  row('workload', 'shop/assistant'),
  row('workload', '', { calls: 3, failed: 0, costUsd: 0, p50Ms: null, p95Ms: null }),
  row('model', 'gpt-4o', { costUsd: 0.4 }),
  row('model', 'gpt-4o-mini', { calls: 20, failed: 0, costUsd: 0.1, p95Ms: 9_000 }),
];
const sample = toSample(rows, 60, new Date('2027-03-15T12:30:45Z'));
const view: View = {
  ...{ columns: 100, rows: 30, grouping: 'models', sortedBy: 'calls', history: [], problem: undefined },
  isStyled: false,
};

test('rates are means over the window', () => {
  const { total } = sample;
  assert.deepEqual(
    [total.callsPerS, total.tokensPerS, total.usdPerHour, total.failedRatio, total.costUsd],
    [2, 20, 30, 0.05, 0.5],
  );
  assert.deepEqual(toSample([], 60, new Date()).total.calls, 0);
});

describe('a frame', () => {
  test('of a large terminal has all tables', () => {
    assert.deepEqual(
      renderFrame(sample, { ...view, history: [0, 1, 2] }).map((line) => line.trimEnd()),
      [
        'chaperone top  last 60 s, 12:30:45 UTC',
        '2.0 calls/s   20.0 tokens/s   $30.00/h   p50 90ms   p95 1.5s   5.0% failed',
        '▁▅█',
        '',
        'ORGANIZATIONS                                    CALLS/S  TOKENS/S   SPEND/H     P50     P95  FAILED',
        'acme                                                 2.0      20.0    $30.00    90ms    1.5s    5.0%',
        '',
        'WORKLOADS                                        CALLS/S  TOKENS/S   SPEND/H     P50     P95  FAILED',
        'shop/assistant                                       2.0      20.0    $30.00    90ms    1.5s    5.0%',
        '(none)                                              0.05      20.0        $0       -       -      0%',
        '',
        'MODELS                                           CALLS/S  TOKENS/S   SPEND/H     P50     P95  FAILED',
        'gpt-4o                                               2.0      20.0    $24.00    90ms    1.5s    5.0%',
        'gpt-4o-mini                                         0.33      20.0     $6.00    90ms    9.0s      0%',
        '',
        'q quit  Tab group: models  s sort: calls',
      ],
    );
  });

  test('of a small terminal has one table, with the columns for which there is room', () => {
    const lines = renderFrame(sample, { ...view, columns: 44, rows: 12, sortedBy: 'latency' });
    assert.deepEqual(
      lines.slice(5).map((line) => line.trimEnd()),
      [
        'MODELS             CALLS/S   SPEND/H     P95',
        'gpt-4o-mini           0.33     $6.00    9.0s',
        'gpt-4o                 2.0    $24.00    1.5s',
        '',
        'q quit  Tab group: models  s sort: latency',
      ],
    );
  });

  test('says how many rows there is no room for', () => {
    const models = Array.from({ length: 40 }, (_, number) => row('model', `model-${number}`));
    const lines = renderFrame(toSample([...rows, ...models], 60, new Date()), { ...view, columns: 60, rows: 14 });
    assert.match(lines.join('\n'), /and \d+ more/);
    assert.equal(lines.length, 14);
  });

  test('says what is wrong, and waits for the first figures', () => {
    assert.match(renderFrame(sample, { ...view, problem: 'The database is away' }).join('\n'), /The database is away/);
    assert.match(renderFrame(undefined, view).join('\n'), /Waiting for the first figures/);
  });

  const figures: fc.Arbitrary<Figures> = fc.record({
    name: fc.string({ unit: 'binary' }),
    calls: fc.nat(),
    callsPerS: fc.double({ min: 0, max: 1e9, noNaN: true }),
    failedRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    tokensPerS: fc.double({ min: 0, max: 1e12, noNaN: true }),
    costUsd: fc.double({ min: 0, max: 1e7, noNaN: true }),
    usdPerHour: fc.double({ min: 0, max: 1e7, noNaN: true }),
    p50Ms: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true })),
    p95Ms: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true })),
  });
  const samples: fc.Arbitrary<Sample> = fc.record({
    at: fc.constant('2027-03-15T12:30:45.000Z'),
    windowS: fc.constant(60),
    total: figures,
    organizations: fc.array(figures, { maxLength: 30 }),
    workloads: fc.array(figures, { maxLength: 30 }),
    models: fc.array(figures, { maxLength: 30 }),
  });

  test('fits into the terminal, whatever the figures and names are, and moves no cursor', () =>
    fc.assert(
      fc.property(
        samples,
        fc.integer({ min: 20, max: 250 }),
        fc.integer({ min: 1, max: 80 }),
        fc.constantFrom(...groupings),
        fc.constantFrom(...sortKeys),
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })),
        (one, columns, height, grouping, sortedBy, history) => {
          const options = { ...view, columns, rows: height, grouping, sortedBy, history, isStyled: true };
          const lines = renderFrame(one, options);
          assert.ok(lines.length <= height, `${lines.length} of ${height} lines`);
          for (const line of lines) {
            const text = stripVTControlCharacters(line);
            assert.ok(text.length <= columns, `${text.length} of ${columns}: ${text}`);
            assert.doesNotMatch(text, /\p{Cc}/u);
          }
        },
      ),
    ));
});
