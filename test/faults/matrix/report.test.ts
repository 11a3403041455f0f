import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownOf, merged, type Row, type Skipped } from './report.ts';

const row = (fault: string, run: string, calls = 1_000): Row => ({
  ...{ run, kind: 'Processes', fault, calls, refused: 1, cut: 0, unknown: 0, lost: 0, doubled: 0 },
  ...{ cost_difference_usd: '0', longest_refusal_ms: 5, seconds: 1 },
});
const skipped = (fault: string): Skipped => ({ fault, reason: 'it needs pgbouncer' });
const order = ['first', 'second', 'third'];

test('a run of some faults replaces theirs, also those that have no figures any more', () => {
  const former = { rows: [row('third', 'old'), row('first', 'old'), row('gone', 'old')], skipped: [skipped('second')] };
  const own = { rows: [row('second', 'new')], skipped: [skipped('first')] };
  assert.deepEqual(merged(former, own, order), {
    rows: [row('second', 'new'), row('third', 'old')],
    skipped: [skipped('first')],
  });
});

test('a table of one run says once when that was; one of several runs says so of each row', () => {
  const one = markdownOf({ rows: [row('first', '2026-01-02 03:04'), row('second', '2026-01-02 03:04')], skipped: [] });
  assert.match(one, /^2 faults, 2,000 calls, in one run: 2026-01-02 03:04 \(UTC\)\.$/m);
  assert.match(one, /^\| first \|.* 5 ms \|$/m);
  const rows = [row('first', '2026-01-02 03:04'), row('second', '2026-01-01 03:04')];
  const two = markdownOf({ rows, skipped: [skipped('third')] });
  assert.match(two, /in 2 runs: 2026-01-01 03:04, 2026-01-02 03:04 \(UTC\)\./);
  assert.match(two, /^\| second \|.* 5 ms \| 2026-01-01 03:04 \|$/m);
  assert.match(two, /^No figures: third \(it needs pgbouncer\)\.$/m);
});
