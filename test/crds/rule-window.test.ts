import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RuleWindow, windowAt } from '../../crds/rule-window.ts';

const table: readonly (readonly [window: RuleWindow, at: string, start: string, end: string | undefined])[] = [
  [{ kind: 'fixed', lengthMs: 3_600_000 }, '2026-03-01T12:34:56Z', '2026-03-01T12:00:00Z', '2026-03-01T13:00:00Z'],
  [{ kind: 'fixed', lengthMs: 86_400_000 }, '2026-03-01T12:34:56Z', '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'],
  [{ kind: 'day' }, '2026-02-28T23:59:59.999Z', '2026-02-28T00:00:00Z', '2026-03-01T00:00:00Z'],
  // A Sunday.
  [{ kind: 'week', startDay: 1 }, '2026-03-01T12:00:00Z', '2026-02-23T00:00:00Z', '2026-03-02T00:00:00Z'],
  [{ kind: 'week', startDay: 7 }, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', '2026-03-08T00:00:00Z'],
  [{ kind: 'month', startDay: 1 }, '2026-12-31T12:00:00Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  [{ kind: 'month', startDay: 28 }, '2026-02-27T12:00:00Z', '2026-01-28T00:00:00Z', '2026-02-28T00:00:00Z'],
  [{ kind: 'month', startDay: 15 }, '2026-01-10T12:00:00Z', '2025-12-15T00:00:00Z', '2026-01-15T00:00:00Z'],
  [{ kind: 'total' }, '2026-03-01T12:34:56Z', '1970-01-01T00:00:00Z', undefined],
];
for (const [window, at, start, end] of table) {
  test(`the window of ${JSON.stringify(window)} at ${at}`, () => {
    const { startMs, endMs } = windowAt(window, Date.parse(at));
    assert.deepEqual([startMs, endMs], [Date.parse(start), end === undefined ? undefined : Date.parse(end)]);
  });
}

test('windows follow each other without a gap, and contain their time', () => {
  const window = fc.oneof(
    fc.integer({ min: 1_000, max: 8_784 * 3_600_000 }).map((lengthMs): RuleWindow => ({ kind: 'fixed', lengthMs })),
    fc.constant<RuleWindow>({ kind: 'day' }),
    fc.integer({ min: 1, max: 7 }).map((startDay): RuleWindow => ({ kind: 'week', startDay })),
    fc.integer({ min: 1, max: 28 }).map((startDay): RuleWindow => ({ kind: 'month', startDay })),
  );
  const atMs = fc.integer({ min: 0, max: Date.parse('2100-01-01') });
  fc.assert(
    fc.property(window, atMs, (kind, at) => {
      const { startMs, endMs = 0 } = windowAt(kind, at);
      assert.ok(startMs <= at && at < endMs);
      assert.deepEqual(windowAt(kind, startMs), { startMs, endMs });
      assert.equal(windowAt(kind, endMs).startMs, endMs);
    }),
  );
});
