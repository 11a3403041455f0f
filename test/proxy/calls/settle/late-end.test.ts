import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PendingCall } from '../../../../database/pending-calls.ts';
import { type LateEnd, lateCostOf, lateDurationMsOf, lateOutcomeOf } from '../../../../proxy/calls/settle/late-end.ts';
import type { Body } from '../../../../proxy/providers/json.ts';
import type { Reading } from '../../../../proxy/providers/reading.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';
import { makeRecord } from '../../../request-record.ts';

const organizationId = '123e4567-e89b-12d3-a456-426614174001';
const startedAtMs = Date.UTC(2026, 0, 1);
const call: PendingCall = {
  ...makeRecord(organizationId, { started_at: new Date(startedAtMs).toISOString(), http_status: 202 }),
  response_id: 'resp_1',
  input_sealed: null,
  output_sealed: null,
};
const usage = { ...unknownUsage, totalTokens: 3 };
const read = (changes: Partial<Reading> = {}, answer: Body = {}): LateEnd => ({
  reading: {
    failed: false,
    errorCode: null,
    responseId: 'other',
    model: 'gpt-4o',
    serviceTier: null,
    usage,
    ...changes,
  },
  answer,
  output: 'said',
});

describe('the outcome of a call that ended late', () => {
  const rows: readonly (readonly [title: string, end: LateEnd, expected: object])[] = [
    [
      'has what the answer reports',
      read(),
      { status: 'completed', errorCode: null, model: 'gpt-4o', usage, output: 'said' },
    ],
    [
      'is a failure',
      read({ failed: true, errorCode: 'server_error' }),
      { status: 'failed', errorCode: 'server_error' },
    ],
    ['is a cancellation, whatever else', read({ failed: true, state: 'cancelled' }), { status: 'cancelled' }],
    ['has the ids of its parts', read({ keptIds: ['msg_1'] }), { keptIds: ['msg_1'] }],
    ['has none where the answer has none', read(), { keptIds: [] }],
    [
      'is unknown where the provider does not know the call any more',
      { errorCode: 'response_not_found' },
      { status: 'interrupted', errorCode: 'response_not_found', model: null, usage: unknownUsage, output: undefined },
    ],
  ];
  for (const [title, end, expected] of rows) {
    test(title, () => {
      const outcome = lateOutcomeOf(call, end);
      assert.partialDeepStrictEqual(outcome, expected);
      assert.partialDeepStrictEqual(outcome, { responseId: 'resp_1', httpStatus: 202, timeToFirstTokenMs: null });
    });
  }

  test('has status 200 where the record has none', () => {
    assert.equal(lateOutcomeOf({ ...call, http_status: null }, read()).httpStatus, 200);
  });
});

describe('the duration of a call that ended late', () => {
  const second = startedAtMs / 1_000;
  for (const field of ['completed_at', 'failed_at', 'cancelled_at', 'expired_at']) {
    test(`lasts until ${field}`, () => {
      assert.equal(lateDurationMsOf(call, read({}, { [field]: second + 7 })), 7_000);
    });
  }
  test('is 0 where the provider’s clock is behind', () => {
    assert.equal(lateDurationMsOf(call, read({}, { completed_at: second - 1 })), 0);
  });
  for (const [title, end] of [
    ['the provider reports no end', read({}, { completed_at: null })],
    ['the provider does not know the call', { errorCode: 'response_not_found' }],
  ] as const) {
    test(`lasts until now where ${title}`, () => {
      const before = Date.now() - startedAtMs;
      const lasted = lateDurationMsOf(call, end);
      assert.ok(lasted >= before && lasted <= Date.now() - startedAtMs);
    });
  }
});

test('the cost of a late end is that of its parts, null where one is unpriced, and undefined where it has none', () => {
  assert.equal(lateCostOf({ ...read(), costUsd: '1.5' }), '1.5');
  assert.equal(lateCostOf({ ...read(), costUsd: null }), null);
  assert.equal(lateCostOf(read()), undefined);
  assert.equal(lateCostOf({ errorCode: 'response_not_found' }), undefined);
});
