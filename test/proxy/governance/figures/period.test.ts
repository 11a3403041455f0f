import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ProxyError } from '../../../../proxy/error.ts';
import { readPeriod } from '../../../../proxy/governance/figures/period.ts';
import { showPeriod } from '../../../../proxy/surfaces/governance/analytics/figures.ts';

const now = Date.UTC(2026, 2, 1, 23, 30);

describe('the period of a question', () => {
  const periods: readonly (readonly [
    label: string,
    start: string | undefined,
    end: string | undefined,
    first: string,
    last: string,
  ])[] = [
    ['of which nothing is said', undefined, undefined, '2026-01-31', '2026-03-01'],
    ['with a start', '2026-02-27', undefined, '2026-02-27', '2026-03-01'],
    ['with an end', undefined, '2025-01-01', '2024-12-03', '2025-01-01'],
    ['with both', '2024-02-29', '2024-03-01', '2024-02-29', '2024-03-01'],
    ['of one day', '2026-06-01', '2026-06-01', '2026-06-01', '2026-06-01'],
    ['in times', '2026-06-01T00:00:00Z', '2026-06-07T23:59:59Z', '2026-06-01', '2026-06-07'],
    ['in times of another zone', '2026-06-01T01:00:00+02:00', '2026-06-07T23:00:00-02:00', '2026-05-31', '2026-06-08'],
    ['at the end of the calendar', '9999-12-31', '9999-12-31T23:59:59Z', '9999-12-31', '9999-12-31'],
    ['at its beginning', undefined, '0001-01-10', '0001-01-01', '0001-01-10'],
    ['in times without a zone', '2026-06-01T12:00:00.123456', '2026-06-07 23:59', '2026-06-01', '2026-06-07'],
  ];
  for (const [label, start, end, firstDay, lastDay] of periods) {
    test(label, () => assert.deepEqual(readPeriod(start, end, now), { firstDay, lastDay }));
  }

  const mistakes: readonly (readonly [
    label: string,
    start: string | undefined,
    end: string | undefined,
    param: string,
  ])[] = [
    ['a day that there is not', '2026-02-30', undefined, 'start_date'],
    ['a month that there is not', undefined, '2026-13-01', 'end_date'],
    ['an hour that there is not', '2026-02-01T25:00:00Z', undefined, 'start_date'],
    ['another order', '01-06-2026', undefined, 'start_date'],
    ['nothing', '', undefined, 'start_date'],
    ['words', undefined, 'yesterday', 'end_date'],
    ['a number', '1780272000', undefined, 'start_date'],
    ['a year with too many digits', '12026-01-01', undefined, 'start_date'],
    ['the year 0', '0000-01-01', undefined, 'start_date'],
    ['the year 0 in UTC', '0001-01-01T00:00:00+14:00', undefined, 'start_date'],
    ['the year 10000 in UTC', undefined, '9999-12-31T23:59:59-14:00', 'end_date'],
    ['something behind it', '2026-06-01; drop', undefined, 'start_date'],
    ['an end before the start', '2026-06-02', '2026-06-01', 'start_date'],
    ['a start after today', '2026-03-02', undefined, 'start_date'],
  ];
  for (const [label, start, end, param] of mistakes) {
    test(`is not ${label}`, () =>
      assert.throws(
        () => readPeriod(start, end, now),
        (error) =>
          error instanceof ProxyError &&
          error.code === 'invalid_request' &&
          error.param === param &&
          error.details.expected === 'date',
      ));
  }

  test('is told from its first second to its last', () => {
    assert.deepEqual(showPeriod({ firstDay: '2026-06-01', lastDay: '2026-06-07' }), {
      period_start: '2026-06-01T00:00:00Z',
      period_end: '2026-06-07T23:59:59Z',
    });
  });
});
