import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import type { Client } from 'pg';
import { connect } from '../../database/tenant.ts';
import { recordOf } from '../../recorded-call.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';

/** Many calls in a file, through a real proxy process: judged line by line, settled once when all are done. */
describe('a batch', () => {
  const scope = suiteScope();
  let stack: Stack;
  let bob: OpenAI;
  let mallory: OpenAI;
  let database: Client;

  before(async () => {
    stack = await startStack(scope);
    const clientOf = (user: string) =>
      new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, defaultHeaders: { 'X-User-ID': user }, maxRetries: 0 });
    [bob, mallory] = [clientOf('bob'), clientOf('mallory')];
    database = await connect(scope, stack.database.url);
  });

  const upload = async (text: string) =>
    bob.files.create({ file: await toFile(Buffer.from(text), 'lines.jsonl'), purpose: 'batch' });
  const line = (body: object, url = '/v1/responses') =>
    JSON.stringify({ custom_id: 'one', method: 'POST', url, body: { model: 'gpt-4o-mini', input: 'Hi', ...body } });
  const create = async (text: string, metadata = {}) =>
    bob.batches.create({
      input_file_id: (await upload(text)).id,
      endpoint: '/v1/responses',
      completion_window: '24h',
      metadata,
    });

  it('is settled once, with the usage of all its lines, and only its maker can read its answers', async () => {
    const begun = await create(`${line({})}\n${line({ input: 'Ho' })}\n`);
    const record = await recordOf(database, begun.id);
    const done = await bob.batches.retrieve(begun.id);
    assert.equal(done.status, 'completed');
    assert.deepEqual(
      [record.operation, record.status, Number(record.input_tokens), Number(record.output_tokens), record.model],
      ['batches', 'completed', done.usage?.input_tokens, done.usage?.output_tokens, 'gpt-4o-mini-2024-07-18'],
    );
    assert.ok((done.usage?.total_tokens ?? 0) > 0);
    const answers = await (await bob.files.content(done.output_file_id ?? '')).text();
    assert.equal(answers.trim().split('\n').length, 2);
    assert.deepEqual(
      (await bob.batches.list()).data.map((batch) => batch.id),
      [begun.id],
    );
    for (const attempt of [
      () => mallory.batches.retrieve(begun.id),
      () => mallory.batches.cancel(begun.id),
      () => mallory.files.content(done.output_file_id ?? ''),
      () =>
        mallory.batches.create({
          input_file_id: done.input_file_id,
          endpoint: '/v1/responses',
          completion_window: '24h',
        }),
    ]) {
      await assert.rejects(attempt(), OpenAI.NotFoundError);
    }
    assert.deepEqual((await mallory.batches.list()).data, []);
  });

  it('costs half of the list price, each line by its own model', async () => {
    const begun = await create(`${line({})}\n${line({ model: 'gpt-4o', input: 'Ho, ho, ho' })}\n`);
    const record = await recordOf(database, begun.id);
    const done = await bob.batches.retrieve(begun.id);
    const answers = await (await bob.files.content(done.output_file_id ?? '')).text();
    // US dollars for 10^6 tokens, as OpenAI lists them.
    const rates: Readonly<Record<string, readonly [input: number, output: number]>> = {
      'gpt-4o-mini-2024-07-18': [0.15, 0.6],
      'gpt-4o-2024-08-06': [2.5, 10],
    };
    let costUsd = 0;
    for (const text of answers.trim().split('\n')) {
      const { model, usage } = JSON.parse(text).response.body;
      const [input, output] = rates[model] ?? assert.fail(model);
      costUsd += (usage.input_tokens * input + usage.output_tokens * output) / 1e6 / 2;
    }
    assert.ok(costUsd > 0);
    assert.equal(Number(record.cost_usd).toFixed(12), costUsd.toFixed(12));
  });

  it('that is cancelled is recorded as cancelled', async () => {
    const begun = await create(line({}), { sandbox: 'work=60000' });
    assert.equal((await bob.batches.cancel(begun.id)).status, 'cancelled');
    const { status, cost_usd: costUsd } = await recordOf(database, begun.id);
    assert.deepEqual([status, Number(costUsd ?? Number.NaN)], ['cancelled', 0]);
  });

  const refused: readonly (readonly [why: string, text: () => string, code: string])[] = [
    ['a model that is not allowed', () => `${line({})}\n${line({ model: 'o1' })}`, 'model_not_allowed'],
    ['no model', () => line({ model: undefined }), 'invalid_request'],
    ['a predecessor that is no id', () => line({ previous_response_id: 7 }), 'invalid_request'],
    ['another API', () => line({}, '/v1/embeddings'), 'invalid_request'],
    ['a field that stands twice', () => line({}).replace('"model"', '"model":"o1","model"'), 'invalid_request'],
    [
      'a field written with escapes',
      () => line({}).replace('"model"', '"model":"gpt-4o","mo\\u0064el"'),
      'invalid_request',
    ],
    ['a field of another spelling', () => line({ Model: 'o1' }), 'invalid_request'],
    ['a body beside the body', () => line({}).replace('"body"', '"Body":{"model":"o1"},"body"'), 'invalid_request'],
    ['a persona', () => line({ persona_id: 'p' }), 'persona_not_supported'],
    ['a response of nobody’s', () => line({ previous_response_id: 'resp_1' }), 'resource_not_found'],
    [
      'a vector store of nobody’s',
      () => line({ tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }),
      'resource_not_found',
    ],
    ['an item of nobody’s', () => line({ input: [{ type: 'item_reference', id: 'msg_1' }] }), 'resource_not_found'],
    [
      'an item that stands behind another',
      () => line({ input: [{ type: 'message', id: 'x', content: 'Hi' }] }).replace('"id"', '"id":"msg_1","id"'),
      'invalid_request',
    ],
    [
      'a tool with a model that is not allowed',
      () => line({ tools: [{ type: 'image_generation', model: 'o1' }] }),
      'model_not_allowed',
    ],
    ['no JSON', () => 'hello', 'invalid_request'],
  ];
  for (const [why, text, code] of refused) {
    it(`is refused where a line has ${why}`, async () => {
      const error = await create(text()).then(
        () => assert.fail('it was created'),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof OpenAI.APIError, String(error));
      assert.equal(error.code, code);
    });
  }
});
