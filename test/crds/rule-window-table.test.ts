import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RuleWindow, windowAt } from '../../crds/rule-window.ts';

const table: readonly (readonly [
  name: string,
  kind: RuleWindow,
  at: string,
  start: string,
  end: string | undefined,
])[] = [
  [
    'a minute',
    { kind: 'fixed', lengthMs: 60_000 },
    '2026-03-05T10:11:12Z',
    '2026-03-05T10:11:00Z',
    '2026-03-05T10:12:00Z',
  ],
  [
    'its start',
    { kind: 'fixed', lengthMs: 60_000 },
    '2026-03-05T10:11:00Z',
    '2026-03-05T10:11:00Z',
    '2026-03-05T10:12:00Z',
  ],
  ['a day', { kind: 'day' }, '2026-03-05T23:59:59.999Z', '2026-03-05T00:00:00Z', '2026-03-06T00:00:00Z'],
  [
    'a week from Monday',
    { kind: 'week', startDay: 1 },
    '2026-03-05T10:00:00Z',
    '2026-03-02T00:00:00Z',
    '2026-03-09T00:00:00Z',
  ],
  [
    'a week from Sunday',
    { kind: 'week', startDay: 7 },
    '2026-03-05T10:00:00Z',
    '2026-03-01T00:00:00Z',
    '2026-03-08T00:00:00Z',
  ],
  ['a month', { kind: 'month', startDay: 1 }, '2026-02-28T10:00:00Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
  [
    'a month from the 15th',
    { kind: 'month', startDay: 15 },
    '2026-01-14T10:00:00Z',
    '2025-12-15T00:00:00Z',
    '2026-01-15T00:00:00Z',
  ],
  [
    'a month from the 28th',
    { kind: 'month', startDay: 28 },
    '2026-02-28T00:00:00Z',
    '2026-02-28T00:00:00Z',
    '2026-03-28T00:00:00Z',
  ],
  ['all time', { kind: 'total' }, '2026-02-28T00:00:00Z', '1970-01-01T00:00:00Z', undefined],
];
for (const [name, kind, at, start, end] of table) {
  test(`the window of ${name}`, () => {
    const window = windowAt(kind, Date.parse(at));
    assert.equal(new Date(window.startMs).toISOString(), new Date(start).toISOString());
    assert.equal(window.endMs, end && Date.parse(end));
  });
}

test('each time is in one window, and windows follow each other without a gap', () => {
  const kind = fc.oneof<fc.Arbitrary<RuleWindow>[]>(
    fc.integer({ min: 1_000, max: 366 * 86_400_000 }).map((lengthMs) => ({ kind: 'fixed', lengthMs })),
    fc.constant({ kind: 'day' }),
    fc.integer({ min: 1, max: 7 }).map((startDay) => ({ kind: 'week', startDay })),
    fc.integer({ min: 1, max: 31 }).map((startDay) => ({ kind: 'month', startDay })),
  );
  fc.assert(
    fc.property(kind, fc.integer({ min: 0, max: Date.parse('2100-01-01') }), (each, atMs) => {
      const { startMs, endMs = Number.NaN } = windowAt(each, atMs);
      assert.ok(startMs <= atMs && atMs < endMs);
      assert.deepEqual(windowAt(each, startMs), { startMs, endMs });
      assert.equal(windowAt(each, endMs).startMs, endMs);
      assert.equal(windowAt(each, startMs - 1).endMs, startMs);
    }),
  );
});
