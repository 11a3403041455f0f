import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Outcome } from '../../../../proxy/calls/call.ts';
import { mentions, withoutEchoes } from '../../../../proxy/calls/resources/echoes.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';

describe('a body contains an id', () => {
  const bodies: readonly (readonly [title: string, body: string, isMentioned: boolean])[] = [
    ['as a value', '{"input": [{"id": "msg_1"}]}', true],
    ['as a name', '{"msg_1": 1}', true],
    ['inside a text', '{"input": "see msg_1, please"}', true],
    ['as a value with escapes', '{"id": "msg\\u005f1"}', true],
    ['as a name with escapes', '{"msg\\u005f1": 1}', true],
    ['with escapes, but the body is not JSON', '{"id": "msg\\u005f1"', false],
    ['not at all', '{"input": "Hello"}', false],
    ['not at all, beside escapes', '{"input": "\\u00e9"}', false],
  ];
  for (const [title, body, isMentioned] of bodies) {
    test(title, () => {
      assert.equal(mentions(body, 'msg_1'), isMentioned);
      assert.equal(mentions(Buffer.from(body), 'msg_1'), isMentioned);
    });
  }
});

describe('the ids that the caller will own', () => {
  const outcome: Outcome = {
    status: 'completed',
    httpStatus: 200,
    errorCode: null,
    responseId: 'resp_1',
    model: 'gpt-4o',
    serviceTier: null,
    usage: unknownUsage,
    keptIds: ['msg_1', 'rs_2'],
    timeToFirstTokenMs: null,
    upstreamMs: 1,
    output: undefined,
  };
  const bodies: readonly (readonly [title: string, body: string, expected: Partial<Outcome>])[] = [
    ['are all of them where the request has none', '{"input": "Hi"}', {}],
    ['are those that the request does not have', '{"input": [{"id": "msg_1"}]}', { keptIds: ['rs_2'] }],
    ['do not include a response of the request', '{"previous_response_id": "resp_1"}', { responseId: null }],
    ['are none where the request has all', '["resp_1", "msg_1", "rs_2"]', { keptIds: [], responseId: null }],
  ];
  for (const [title, body, expected] of bodies) {
    test(title, () => assert.deepEqual(withoutEchoes(outcome, body), { ...outcome, ...expected }));
  }

  test('are none where the answer has none', () => {
    const { keptIds: _, ...rest } = { ...outcome, responseId: null };
    assert.deepEqual(withoutEchoes(rest, 'resp_1'), rest);
  });
});
