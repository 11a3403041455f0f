import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { QuotaUnit } from '../../../../database/quota.ts';
import type { RequestRecord } from '../../../../database/requests.ts';
import { boundCost } from '../../../../proxy/calls/reserve/cost-bound.ts';
import { makeHistory } from '../../../../proxy/calls/reserve/history.ts';
import { boundTokens } from '../../../../proxy/calls/reserve/needs.ts';
import { showDuration } from '../../../../proxy/calls/reserve/rate-headers.ts';
import type { Sought } from '../../../../proxy/calls/reserve/reserve.ts';
import { settleQuota, usedOf } from '../../../../proxy/calls/reserve/settle-quota.ts';
import { makePrice } from '../../../../proxy/prices/price.ts';
import type { Body } from '../../../../proxy/providers/json.ts';
import type { OperationName } from '../../../../proxy/providers/operation-name.ts';
import { makeRecord } from '../../../request-record.ts';
import { organizationId } from '../../snapshot.ts';

describe('what a call has used', () => {
  const unknown = { input_tokens: null, output_tokens: null, total_tokens: null, cost_usd: null } as const;
  const failed = { provider: 'acme', api_key_id: organizationId, kind: 'provider_error', reason: 'x' } as const;
  const attempts = [
    { ...failed, http_status: 200, duration_ms: 1 },
    { ...failed, http_status: 200, duration_ms: 1, cost_usd: '0.0000025' },
  ];
  const table: readonly (readonly [name: string, unit: QuotaUnit, record: Partial<RequestRecord>, used: number])[] = [
    ['its calls', 'requests', {}, 100],
    ['its tokens', 'tokens', {}, 30],
    ['its tokens without a total', 'tokens', { total_tokens: null }, 30],
    ['its input', 'input_tokens', {}, 10],
    ['its output', 'output_tokens', {}, 20],
    ['its cost', 'nano_usd', {}, 225_000],
    ['a cost below 10^-9 dollars, rounded up', 'nano_usd', { cost_usd: '0.0000000001' }, 1],
    ['nothing, where the provider had an error', 'tokens', { ...unknown, status: 'failed', http_status: 500 }, 0],
    ['nothing, where it was not reached', 'nano_usd', { ...unknown, status: 'failed', http_status: null }, 0],
    ['the bound, where a stream broke off', 'tokens', { ...unknown, status: 'failed', http_status: 200 }, 100],
    ['the bound, where the client left', 'tokens', { ...unknown, status: 'cancelled' }, 100],
    ['the bound, where the process ended', 'nano_usd', { ...unknown, status: 'interrupted', http_status: null }, 100],
    ['the bound, where the price is unknown', 'nano_usd', { cost_usd: null }, 100],
    ['what failed attempts cost, where none followed', 'nano_usd', { ...unknown, status: 'failed', attempts }, 2_500],
    ['the bound, where failed attempts cost less', 'nano_usd', { cost_usd: null, attempts: attempts.slice(0, 1) }, 100],
  ];
  for (const [name, unit, changes, used] of table) {
    test(`is ${name}`, () => assert.equal(usedOf(unit, 100, makeRecord(organizationId, changes)), used));
  }

  test('replaces the bounds in its record, also where that is done twice', () => {
    const record = makeRecord(organizationId, { quota: '0,7,8,1,1,9,10,500,4,11,12,1000000' });
    settleQuota(record);
    settleQuota(record);
    assert.equal(record.quota, '0,7,8,1,1,9,10,30,4,11,12,225000');
  });
});

describe('the tokens that a call may need', () => {
  const boundOf = (operation: OperationName, body: Body, hasReferences = false, isBilledByTokens = false) => {
    const sought = { operation, body, sent: JSON.stringify(body), hasReferences } as unknown as Sought;
    const { input, output, outputField } = boundTokens(sought, makeHistory(), isBilledByTokens);
    return [input, output, outputField];
  };
  const messages = [{ role: 'user', content: 'x'.repeat(100) }];
  const bytes = (body: Body) => Buffer.byteLength(JSON.stringify(body));
  const table: readonly (readonly [string, OperationName, Body, number, string | undefined])[] = [
    ['of a chat that states its maximum', 'chat', { messages, max_completion_tokens: 50 }, 50, 'max_completion_tokens'],
    ['of a chat that states it the former way', 'chat', { messages, max_tokens: 60 }, 60, 'max_tokens'],
    ['of several answers', 'chat', { messages, max_tokens: 60, n: 3 }, 180, 'max_tokens'],
    ['of a response', 'responses', { input: 'Hi', max_output_tokens: 16 }, 16, 'max_output_tokens'],
    ['of a chat that states none', 'chat', { messages }, 4_096, 'max_completion_tokens'],
    ['of an embedding', 'embeddings', { input: 'Hi' }, 0, undefined],
  ];
  for (const [name, operation, body, output, field] of table) {
    test(name, () => assert.deepEqual(boundOf(operation, body), [bytes(body), output, field]));
  }
  test('of sound and pictures are none where other things are billed', () => {
    for (const operation of ['speech', 'image_generations', 'transcriptions'] as const)
      assert.deepEqual(boundOf(operation, { input: 'Hi' }), [0, 0, undefined]);
  });
  test('of sound and pictures are those of earlier calls where tokens are billed', () => {
    const spoken = { input: 'Hi' };
    assert.deepEqual(boundOf('speech', spoken, false, true), [bytes(spoken), 4_096, undefined]);
    const drawn = { prompt: 'A cat', n: 2 };
    assert.deepEqual(boundOf('image_generations', drawn, false, true), [bytes(drawn), 8_192, undefined]);
    const heard = { language: 'de' };
    assert.deepEqual(boundOf('transcriptions', heard, false, true), [bytes(heard) + 2_048, 4_096, undefined]);
  });
  test('are more where the body refers to something', () => {
    const body = { input: 'Hi', previous_response_id: 'resp_1' };
    assert.deepEqual(boundOf('responses', body, true), [bytes(body) + 2_048, 4_096, 'max_output_tokens']);
  });
  test('do not count the bytes of a picture as text', () => {
    const picture = `data:image/png;base64,${'A'.repeat(100_000)}`;
    const body = { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: picture } }] }] };
    assert.ok(Number(boundOf('chat', body)[0]) < 2_048 + 200);
  });
});

test('a history bounds input by the highest ratio so far and a quarter more, and never by more than the bytes', () => {
  const history = makeHistory();
  const note = (inputTokens: number, outputTokens: number) =>
    history.note({ bytes: 1_000, refers: false, inputTokens, outputTokens, nanoUsd: undefined });
  assert.deepEqual([history.inputTokensOf(1_000), history.outputTokens()], [1_000, 4_096]);
  for (let call = 1; call <= 99; call += 1) note(200, 100);
  note(240, 3_000);
  assert.equal(history.inputTokensOf(1_000), 300);
  assert.equal(history.inputTokensOf(8), 8, 'short texts are not tightened');
  assert.ok(history.outputTokens() >= 100 && history.outputTokens() < 3_600, String(history.outputTokens()));
  note(1_000, 100);
  assert.equal(history.inputTokensOf(1_000), 1_000);
});

describe('what a call may cost', () => {
  const price = makePrice(undefined, new Map([['openai', 'openai']]));
  const costOf = (model: string, body: Body, input: number, output: number) =>
    boundCost(price, { provider: 'openai', model, operation: 'chat', body }, input, output);
  test('is its tokens at the price of the list, in 10^-9 dollars', () => {
    // 0.15 and 0.60 dollars for a million tokens of gpt-4o-mini.
    assert.equal(costOf('gpt-4o-mini', {}, 1_000, 500), 450_000);
    assert.equal(costOf('gpt-4o-mini', {}, 1_000_000, 0), 150_000_000);
  });
  test('is unknown for a model that nobody lists, and for a tier with other prices', () => {
    assert.equal(costOf('gpt-of-nobody', {}, 1, 1), null);
    assert.equal(costOf('gpt-4o-mini', { service_tier: 'priority' }, 1, 1), null);
  });
  test('is that of the pictures that are asked for', () => {
    const own = makePrice([{ model: 'dall-e-3', images: [{ price: '0.04' }] }], new Map([['openai', 'openai']]));
    const priced = { provider: 'openai', model: 'dall-e-3', operation: 'image_generations', body: { n: 3 } };
    assert.equal(boundCost(own, priced, 0, 0), 120_000_000);
  });
});

const durations = [
  [1, '1s'],
  [59_001, '1m0s'],
  [61_000, '1m1s'],
  [3_600_000, '1h0m0s'],
  [90_061_000, '25h1m1s'],
] as const;
for (const [ms, shown] of durations) test(`${ms} ms are ${shown}`, () => assert.equal(showDuration(ms), shown));
