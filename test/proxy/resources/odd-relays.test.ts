import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { before, describe, it } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type OpenAI from 'openai';
import { toFile } from 'openai';
import type { Client } from 'pg';
import { connect } from '../../database/tenant.ts';
import { makeOpenAI } from '../../openai.ts';
import { recordOf } from '../../recorded-call.ts';
import { suiteScope } from '../../scope.ts';
import { type ScriptedProvider, sendJson, sendStream, startScriptedProvider } from '../../scripted-provider.ts';
import { type Stack, startStack } from '../../stack.ts';

const key = 'sk-sandbox-shared';
const endpoint = '/v1/responses';
const usage = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 };

/** What is fetched from a provider reads as it does without us, however it is packed, and does not tell the key. */
describe('a stored resource', () => {
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
  });

  const costOf = async (response: Response) => {
    const record = await recordOf(database, response.headers.get('x-request-id'));
    return Number(record.cost_usd);
  };
  const makeFile = async (id: string) => {
    provider.answer = (response) => sendJson(response, { id, object: 'file' });
    await client.files.create({ file: await toFile(Buffer.from('{}'), 'a.jsonl'), purpose: 'batch' });
  };
  const makeResponse = async (fields: object = {}) => {
    const id = `resp_${Math.random().toString(36).slice(2)}`;
    const made = { id, object: 'response', status: 'completed', model: 'gpt-4o', output: [], usage, ...fields };
    provider.answer = (response) => sendJson(response, made);
    const { response } = await client.responses.create({ model: 'gpt-4o', input: 'Hi', ...fields }).withResponse();
    return { made, response };
  };

  const codings = [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const;
  for (const [coding, pack] of codings) {
    const send = (response: ServerResponse, text: string, type = 'application/json') =>
      response.writeHead(200, { 'content-type': type, 'content-encoding': coding }).end(pack(Buffer.from(text)));

    it(`is read in ${coding}: files, responses, streams of responses`, async () => {
      await makeFile(`file-${coding}`);
      const text = 'é'.repeat(300_000);
      provider.answer = (response) => send(response, text, 'application/octet-stream');
      assert.equal(await (await client.files.content(`file-${coding}`)).text(), text);

      const { made } = await makeResponse();
      provider.answer = (response) => send(response, JSON.stringify(made));
      assert.equal((await client.responses.retrieve(made.id)).id, made.id);

      const event = { type: 'response.completed', sequence_number: 0, response: made };
      provider.answer = (response) =>
        send(response, `event: response.completed\ndata: ${JSON.stringify(event)}\n\n`, 'text/event-stream');
      const types: string[] = [];
      for await (const { type } of await client.responses.retrieve(made.id, { stream: true })) types.push(type);
      assert.deepEqual(types, ['response.completed']);
    });

    it(`is accounted for in ${coding}: in the background, and in the files of a batch`, async () => {
      const { made, response } = await makeResponse({ background: true, status: 'queued', usage: null });
      provider.answer = (answer) => send(answer, JSON.stringify({ ...made, status: 'completed', usage }));
      await client.responses.retrieve(made.id);
      assert.equal(await costOf(response), 0.0035);

      await makeFile('file-in');
      const id = `batch_${coding}`;
      const line = { custom_id: 'a', method: 'POST', url: endpoint, body: { model: 'gpt-4o', input: 'Hi' } };
      const answered = { custom_id: 'a', response: { status_code: 200, body: { model: 'gpt-4o', usage } } };
      provider.answer = (answer, { method, path }) => {
        if (path.endsWith('file-in/content')) return send(answer, JSON.stringify(line));
        if (path.endsWith('file-out/content')) return send(answer, JSON.stringify(answered));
        const batch = { id, object: 'batch', endpoint, status: method === 'POST' ? 'validating' : 'completed' };
        return send(answer, JSON.stringify({ ...batch, ...(method === 'GET' && { output_file_id: 'file-out' }) }));
      };
      const body = { input_file_id: 'file-in', endpoint, completion_window: '24h' } as const;
      const batch = await client.batches.create(body).withResponse();
      await client.batches.retrieve(id);
      assert.equal(await costOf(batch.response), 0.00175);
    });

    it(`is analysed in ${coding}`, async () => {
      const { response } = await makeResponse({
        output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hello' }] }],
      });
      const findings = {
        reasoning: '',
        categories: [{ name: 'a', reasoning: '', confidence: 1 }],
        metadata: { sentiment: 'calm', urgency: 'low', topics: [] },
      };
      const message = { role: 'assistant', content: JSON.stringify(findings) };
      provider.answer = (answer) =>
        send(answer, JSON.stringify({ id: 'chatcmpl-1', choices: [{ index: 0, message, finish_reason: 'stop' }] }));
      const config = { analysis_type: 'intent', categories: [{ name: 'a' }, { name: `b-${coding}` }] };
      const analysed = await fetch(`${stack.baseUrl}/analysis`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', 'content-type': 'application/json' },
        body: JSON.stringify({ id: response.headers.get('x-request-id'), config }),
      });
      assert.equal(analysed.status, 200, await analysed.clone().text());
    });
  }

  it('that does not unpack is an error, and is cut where its answer has begun', async () => {
    await makeFile('file-bad');
    provider.answer = (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('this was never packed');
    await assert.rejects(async () => (await client.files.content('file-bad')).text());
    const packed = gzipSync(Buffer.from(Array.from({ length: 200_000 }, (_, index) => index).join()));
    provider.answer = (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed.subarray(0, packed.length / 2));
    await assert.rejects(async () => (await client.files.content('file-bad')).text());
  });

  it('does not reveal the key: in JSON, in a file in two chunks, in a header, in a stream', async () => {
    const { made } = await makeResponse();
    const shown = async (path: string) => {
      const answered = await fetch(`${stack.baseUrl}${path}`, {
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
      });
      return JSON.stringify([...answered.headers]) + (await answered.text());
    };
    const assertHidden = (text: string) => {
      assert.ok(!text.includes(key), text);
      assert.match(text, /\[redacted\]/);
    };
    provider.answer = (response) => sendJson(response, { error: { message: `Bad key ${key}` } }, 401);
    assertHidden(await shown(`/responses/${made.id}`));
    provider.answer = (response) => {
      response.setHeader('x-debug', key);
      sendJson(response, made);
    };
    assertHidden(await shown(`/responses/${made.id}`));
    const event = `event: error\ndata: {"type":"error","message":"${key}"}\n\n`;
    const half = event.indexOf(key) + 5;
    provider.answer = (response) => sendStream(response, [event.slice(0, half), event.slice(half)]);
    assertHidden(await shown(`/responses/${made.id}?stream=true`));
    await makeFile('file-key');
    provider.answer = async (response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write(`xx ${key.slice(0, 7)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      response.end(`${key.slice(7)} yy`);
    };
    assertHidden(await shown('/files/file-key/content'));
    assert.ok(!stack.log().includes(key), 'it is not in the log');
  });
});
