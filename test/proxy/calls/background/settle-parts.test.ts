import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { makePartsSettlement } from '../../../../proxy/calls/background/settle-parts.ts';
import { makePrice } from '../../../../proxy/prices/price.ts';
import { batches } from '../../../../proxy/providers/openai/batches.ts';
import { makeRecord } from '../../../request-record.ts';

const line = (model: string, usage: object | null, status_code = 200) =>
  JSON.stringify({ custom_id: 'one', response: { status_code, body: { id: 'resp_1', model, usage } }, error: null });
const used = (input_tokens: number, output_tokens = 0) => ({
  input_tokens,
  output_tokens,
  total_tokens: input_tokens + output_tokens,
});
const million = 1_000_000;
const batch = { id: 'batch_1', status: 'completed', endpoint: '/v1/responses', output_file_id: 'file-1' };

/** What is settled where the provider answers for the file with this. */
async function settle(
  answer: { readonly status: number; readonly text: string } | undefined,
  changes: object = {},
  isLate = false,
) {
  const settled: { model: string | null; total: number | null; costUsd: string | null | undefined }[] = [];
  const settlement = makePartsSettlement({
    terms: () => ({ price: makePrice(undefined, new Map([['openai', 'openai']])), envelope: undefined }),
    get: (_, path) => {
      assert.equal(path, '/files/file-1/content');
      // In pieces that end anywhere.
      const pieces =
        answer &&
        Buffer.from(answer.text)
          .toString('latin1')
          .match(/[\s\S]{1,7}/g);
      const body = Readable.from((pieces ?? []).map((piece) => Buffer.from(piece, 'latin1')));
      return answer && Promise.resolve({ status: answer.status, headers: {}, body });
    },
    settle(_, end) {
      assert.ok('reading' in end);
      const { model, usage } = end.reading;
      settled.push({ model, total: usage.totalTokens, costUsd: end.costUsd });
    },
    isLate: () => isLate,
    log: pino({ level: 'silent' }),
  });
  const pending = {
    ...makeRecord('00000000-0000-4000-8000-000000000000', {}),
    response_id: 'batch_1',
    input_sealed: null,
    output_sealed: null,
  };
  const told = { ...batch, ...changes };
  const end = { reading: batches.read(told, {}), answer: told, output: '' };
  const { readParts } = batches;
  assert.ok(readParts);
  settlement.begin(pending, end, readParts);
  assert.ok(settlement.isUnderWay(pending));
  settlement.begin(pending, end, readParts);
  await settlement.idle();
  assert.ok(!settlement.isUnderWay(pending));
  return settled;
}

const gpt = 'gpt-4o';
const both = `${line(gpt, used(million))}\n\n${line('gpt-4o-mini', used(million, million))}\n`;
const table: readonly (readonly [
  name: string,
  text: string,
  changes: object,
  expected: { model: string | null; total: number | null; costUsd: string | null },
])[] = [
  [
    'one model',
    `${line(gpt, used(million))}\n${line(gpt, used(1))}`,
    {},
    { model: gpt, total: million + 1, costUsd: '1.25000125' },
  ],
  ['several models', both, {}, { model: null, total: 3 * million, costUsd: '1.625' }],
  [
    'the model and usage that the batch itself reports',
    both,
    { model: gpt, usage: used(9) },
    { model: gpt, total: 9, costUsd: '1.625' },
  ],
  [
    'a line with more tokens than the first tier has',
    line('gpt-5.5', used(272_000)),
    {},
    { model: 'gpt-5.5', total: 272_000, costUsd: '1.36' },
  ],
  [
    'lines below it that exceed it together',
    `${line('gpt-5.5', used(200_000))}\n${line('gpt-5.5', used(200_000))}`,
    {},
    { model: 'gpt-5.5', total: 400_000, costUsd: '1' },
  ],
  ['an unknown model', `${line(gpt, used(1))}\n${line('mine', used(1))}`, {}, { model: null, total: 2, costUsd: null }],
  ['unknown usage', `${line(gpt, used(1))}\n${line(gpt, null)}`, {}, { model: gpt, total: null, costUsd: null }],
  [
    'a line that failed',
    `${line(gpt, used(2))}\n${line(gpt, null, 500)}`,
    {},
    { model: gpt, total: 2, costUsd: '0.0000025' },
  ],
];
for (const [name, text, changes, expected] of table) {
  test(`a batch costs the sum of its lines: ${name}`, async () => {
    assert.deepEqual(await settle({ status: 200, text }, changes), [expected]);
  });
}

test('a batch that was cancelled before any line costs nothing', async () => {
  const changes = { status: 'cancelled', output_file_id: null, usage: used(0) };
  assert.deepEqual(await settle(undefined, changes), [{ model: null, total: 0, costUsd: '0' }]);
});

test('a batch whose output file is gone has the usage that the batch itself reports, and no price', async () => {
  for (const gone of [undefined, { status: 404, text: '' }]) {
    assert.deepEqual(await settle(gone, { model: gpt, usage: used(9) }), [{ model: gpt, total: 9, costUsd: null }]);
  }
});

test('a batch whose output file cannot be read now is settled later, or without a price at its deadline', async () => {
  assert.deepEqual(await settle({ status: 500, text: '' }, { usage: used(9) }), []);
  assert.deepEqual(await settle({ status: 500, text: '' }, { usage: used(9) }, true), [
    { model: null, total: 9, costUsd: null },
  ]);
});
