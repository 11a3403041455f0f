import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RequestReference } from '../../../database/requests.ts';
import { makeRecentCalls } from '../../../proxy/spool/recent-calls.ts';

const makeCall = (requestId: string, rest: Partial<RequestReference> = {}): RequestReference => ({
  requestId,
  responseId: `resp_${requestId}`,
  userId: 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11',
  sessionId: `sess_${requestId}`,
  apiKeyId: null,
  place: null,
  ...rest,
});

test('at least the newest calls up to half of the capacity are found by either id, never more than the capacity', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 40 }), (count, half) => {
      const recent = makeRecentCalls(half * 2 * 2);
      const calls = Array.from({ length: count }, (_, index) => makeCall(`req_${index}`));
      for (const call of calls) recent.add(call);
      const known = calls.filter(({ requestId }) => recent.find(requestId));
      assert.ok(known.length <= half * 2);
      for (const call of [...known, ...calls.slice(-half)]) {
        for (const id of [call.requestId, call.responseId ?? '']) assert.deepEqual(recent.find(id), call);
      }
    }),
  );
});

test('the newest call with an id is found, with whatever text', () => {
  const id = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ unit: 'grapheme', maxLength: 100 }));
  const call = fc
    .tuple(id, fc.option(id), id, fc.string({ unit: 'binary' }), fc.option(id))
    .map(([requestId, responseId, userId, sessionId, apiKeyId]) =>
      makeCall(requestId, { responseId, userId, sessionId, apiKeyId }),
    );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 100 }), (calls) => {
      const recent = makeRecentCalls(400);
      for (const one of calls) recent.add(one);
      for (const { requestId, responseId } of calls) {
        for (const each of [requestId, responseId]) {
          const newest = calls.findLast((one) => one.requestId === each || one.responseId === each);
          assert.deepEqual(each === null || recent.find(each), each === null || newest);
        }
      }
      assert.equal(recent.find('unknown'), undefined);
    }),
  );
});

test('calls fill several buffers, and a call that fits into none is left out', () => {
  const recent = makeRecentCalls(8_000);
  const calls = Array.from({ length: 2_000 }, (_, index) => makeCall(`req_${index}`, { sessionId: 'ß'.repeat(128) }));
  for (const call of calls) recent.add(call);
  recent.add(makeCall('req_large', { sessionId: 's'.repeat(100_000) }));
  for (const call of calls) assert.deepEqual(recent.find(call.requestId), call);
  assert.equal(recent.find('req_large'), undefined);
});
