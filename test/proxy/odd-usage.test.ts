import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type OpenAI from 'openai';
import { toFile } from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { makeOpenAI } from '../openai.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { type ScriptedProvider, sendJson, sendStream, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';

import { allowEveryModel } from './allow-every-model.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];
const search = { id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search' } };
const fileSearch = { id: 'fs_1', type: 'file_search_call', status: 'completed', queries: ['a'] };
const tokens = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 };
/** Of 1,000 and 100 tokens. */
const costOfGpt4o = 0.0035;

function responseOf(fields: object) {
  return {
    id: `resp_${Math.random().toString(36).slice(2)}`,
    object: 'response',
    status: 'completed',
    model: 'gpt-4o',
    output: [],
    usage: tokens,
    ...fields,
  };
}

/** What providers bill, in whatever words they tell it, is in the record. */
describe('the account of', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let client: OpenAI;
  let database: Client;

  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    client = makeOpenAI(stack);
    database = await connect(scope, stack.database.url);
    await allowEveryModel(
      stack,
      `
  prices:
    - {model: gpt-4.1, toolCalls: [{type: code_interpreter, price: "0.03"}]}
`,
    );
  });

  const readRecord = async (response: Response) => {
    const record = await recordOf(database, response.headers.get('x-request-id'));
    const number = (value: unknown) => (value === null ? null : Number(value));
    return {
      status: record.status,
      input: number(record.input_tokens),
      cached: number(record.cached_input_tokens),
      output: number(record.output_tokens),
      reasoning: number(record.reasoning_tokens),
      total: number(record.total_tokens),
      cost: number(record.cost_usd),
    };
  };
  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };

  const deepSeek = {
    prompt_tokens: 10_000,
    completion_tokens: 10,
    prompt_cache_hit_tokens: 9_984,
    prompt_cache_miss_tokens: 16,
  };
  const xAi = {
    prompt_tokens: 12,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens: 2,
    completion_tokens_details: { reasoning_tokens: 317 },
    total_tokens: 331,
  };
  const dialects: readonly (readonly [string, object, object])[] = [
    ['DeepSeek', deepSeek, { input: 10_000, cached: 9_984, output: 10 }],
    ['Moonshot', { prompt_tokens: 10_000, completion_tokens: 10, cached_tokens: 9_984 }, { cached: 9_984, output: 10 }],
    ['xAI', xAi, { input: 12, cached: 4, output: 319, reasoning: 317, total: 331 }],
  ];
  for (const [name, usage, expected] of dialects) {
    it(`a chat with the usage fields of ${name}, whole and streamed, which an empty usage does not erase`, async () => {
      const known = { id: 'chatcmpl-1', model: 'gpt-4o' };
      provider.answer = (response, { body }) => {
        if (!body.stream) return sendJson(response, { ...known, choices: [{ index: 0, message: {} }], usage });
        const chunks = [
          { ...known, choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }], usage: null },
          { ...known, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage },
          { ...known, choices: [], usage: {} },
        ];
        return sendStream(response, [
          ...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`),
          'data: [DONE]\n\n',
        ]);
      };
      const whole = await readRecord(await client.chat.completions.create({ model: 'gpt-4o', messages }).asResponse());
      const streamed = await client.chat.completions.create({ model: 'gpt-4o', messages, stream: true }).withResponse();
      for await (const _ of streamed.data);
      assert.deepEqual(await readRecord(streamed.response), whole);
      assert.deepEqual({ ...whole, ...expected }, whole);
      const { input, cached, output } = whole;
      const dollars = (((input ?? 0) - (cached ?? 0)) * 2.5 + (cached ?? 0) * 1.25 + (output ?? 0) * 10) / 1e6;
      assert.equal(whole.cost, Number(dollars.toFixed(12)));
    });
  }

  it('a usage that does not add up is recorded as reported, unpriced and counted', async () => {
    const before = [await metric('chaperone_unpriced_calls_total'), await metric('chaperone_usage_mismatches_total')];
    const usage = { prompt_tokens: 20, completion_tokens: 424, total_tokens: 1_016 };
    provider.answer = (response) => sendJson(response, { id: 'chatcmpl-1', model: 'gpt-4o', choices: [], usage });
    const record = await readRecord(await client.chat.completions.create({ model: 'gpt-4o', messages }).asResponse());
    assert.deepEqual([record.input, record.output, record.total, record.cost], [20, 424, 1_016, null]);
    const after = [await metric('chaperone_unpriced_calls_total'), await metric('chaperone_usage_mismatches_total')];
    assert.deepEqual(after, [(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
  });

  const tools: readonly (readonly [string, object, number | null])[] = [
    ['two searches', { tools: [{ type: 'web_search' }], output: [search, search] }, costOfGpt4o + 0.02],
    ['a search of files', { tools: [{ type: 'file_search' }], output: [fileSearch] }, costOfGpt4o + 0.0025],
    ['two searches of which the tool is not told', { model: 'gpt-4o-mini', output: [search, search] }, null],
    ['a container', { output: [{ type: 'code_interpreter_call', container_id: 'cntr_1' }] }, null],
    [
      'a container with a fee of the organization’s own',
      { model: 'gpt-4.1', output: [{ type: 'code_interpreter_call', container_id: 'cntr_1' }] },
      (1_000 * 2 + 100 * 8) / 1e6 + 0.03,
    ],
    ['an image of a tool', { output: [{ type: 'image_generation_call', result: 'QQ==' }] }, null],
  ];
  for (const [what, fields, cost] of tools) {
    it(`a response with ${what}, whole, streamed and in the background, costs ${cost ?? 'nobody knows what'}`, async () => {
      const expected = cost === null ? null : Number(cost.toFixed(12));
      const whole = responseOf(fields);
      provider.answer = (response) => sendJson(response, whole);
      const asked = { model: whole.model, input: 'Hi' };
      assert.equal((await readRecord(await client.responses.create(asked).asResponse())).cost, expected);

      const event = { type: 'response.completed', response: responseOf(fields) };
      provider.answer = (response) =>
        sendStream(response, [`event: response.completed\ndata: ${JSON.stringify(event)}\n\n`]);
      const streamed = await client.responses.create({ ...asked, stream: true }).withResponse();
      for await (const _ of streamed.data);
      assert.equal((await readRecord(streamed.response)).cost, expected);

      const late = responseOf({ ...fields, background: true });
      provider.answer = (response, { method }) =>
        sendJson(response, method === 'POST' ? { ...late, status: 'queued', output: [], usage: null } : late);
      const queued = await client.responses.create({ ...asked, background: true }).withResponse();
      await client.responses.retrieve(late.id);
      assert.equal((await readRecord(queued.response)).cost, expected);
    });
  }

  it('a model that searches by itself has an additional fee', async () => {
    const model = 'gpt-4o-search-preview';
    const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
    provider.answer = (response) => sendJson(response, { id: 'chatcmpl-1', model, choices: [], usage });
    const { cost } = await readRecord(await client.chat.completions.create({ model, messages }).asResponse());
    assert.equal(cost, 0.0285);
  });

  it('the lines of a batch, one of which used a tool', async () => {
    const line = (id: string, fields: object) =>
      JSON.stringify({ custom_id: id, response: { status_code: 200, body: responseOf(fields) } });
    const endpoint = '/v1/responses';
    const input = JSON.stringify({
      custom_id: 'a',
      method: 'POST',
      url: endpoint,
      body: { model: 'gpt-4o', input: 'Hi' },
    });
    let output = '';
    const run = async () => {
      const id = `batch_${Math.random().toString(36).slice(2)}`;
      provider.answer = (response, { method, path }) => {
        if (path === '/v1/files') return sendJson(response, { id: 'file-in', object: 'file' });
        if (path.endsWith('file-in/content')) return response.end(input);
        if (path.endsWith('file-out/content')) return response.end(output);
        const batch = { id, object: 'batch', endpoint, status: method === 'POST' ? 'validating' : 'completed' };
        return sendJson(response, {
          ...batch,
          input_file_id: 'file-in',
          output_file_id: method === 'POST' ? null : 'file-out',
        });
      };
      const file = await toFile(Buffer.from(input), 'in.jsonl');
      await client.files.create({ file, purpose: 'batch' });
      const body = { input_file_id: 'file-in', endpoint, completion_window: '24h' } as const;
      const made = await client.batches.create(body).withResponse();
      await client.batches.retrieve(id);
      return readRecord(made.response);
    };
    output = `${line('a', {})}\n${line('b', {})}\n`;
    assert.equal((await run()).cost, costOfGpt4o);
    output = `${line('a', {})}\n${line('b', { output: [fileSearch] })}\n`;
    const { cost, total } = await run();
    assert.deepEqual([cost, total], [null, 2_200]);
  });
});
