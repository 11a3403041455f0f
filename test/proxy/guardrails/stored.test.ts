import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import type { Client } from 'pg';
import { connect } from '../../database/tenant.ts';
import { makeOpenAI } from '../../openai.ts';
import { suiteScope } from '../../scope.ts';
import { type ScriptedProvider, sendJson, sendStream, startScriptedProvider } from '../../scripted-provider.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { allowEveryModel } from '../allow-every-model.ts';
import { stateGuardrails } from './state-guardrails.ts';

const email = 'ana.silva@example.com';
const usage = { input_tokens: 11, output_tokens: 3, total_tokens: 14 };

function responseOf(text: string, id = 'resp_1'): Record<string, unknown> {
  const content = [{ type: 'output_text', text, annotations: [] }];
  const output = [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content }];
  return { id, object: 'response', status: 'completed', model: 'gpt-4o', output, usage };
}

/** What is stored at a provider, forms and batches: ways by which texts could pass guardrails. */
describe('guardrails on what is not a plain call', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let client: OpenAI;
  let db: Client;

  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    await allowEveryModel(stack);
    client = makeOpenAI(stack);
    db = await connect(scope, stack.database.url);
  });

  const codeOf = (call: PromiseLike<unknown>): Promise<string> =>
    Promise.resolve(call).then(
      () => 'passes',
      (error: unknown) => (error instanceof OpenAI.APIError ? String(error.code) : String(error)),
    );

  describe('a stored response', () => {
    let id: string;
    let made = 0;
    beforeEach(async () => {
      await stateGuardrails(stack, []);
      made += 1;
      id = `resp_made_${made}`;
      provider.answer = (response) => sendJson(response, responseOf(`Ask ${email}`, id));
      await client.responses.create({ model: 'gpt-4o', input: 'Hi' });
    });

    it('is refused when it is fetched', async () => {
      await stateGuardrails(stack, [{ name: 'mail', appliesTo: 'Output', action: 'Block', pii: {} }]);
      assert.equal(await codeOf(client.responses.retrieve(id)), 'guardrail_blocked');
    });

    it('is refused when it is fetched, also by a rule for its model', async () => {
      const match = { models: ['gpt-4o'] };
      await stateGuardrails(stack, [{ name: 'mail', appliesTo: 'Output', action: 'Block', match, pii: {} }]);
      assert.equal(await codeOf(client.responses.retrieve(id)), 'guardrail_blocked');
    });

    it('is redacted when it is fetched', async () => {
      await stateGuardrails(stack, [{ name: 'mail', appliesTo: 'Output', action: 'Redact', pii: {} }]);
      const fetched = await client.responses.retrieve(id);
      assert.match(fetched.output_text, /^Ask \[EMAIL_\w+\]$/);
    });

    it('is redacted in a stream, which cannot begin in its middle', async () => {
      await stateGuardrails(stack, [{ name: 'mail', appliesTo: 'Output', action: 'Redact', pii: {} }]);
      const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
      const delta = (text: string) =>
        `event: response.output_text.delta\ndata: ${JSON.stringify({ type: 'response.output_text.delta', ...place, delta: text })}\n\n`;
      const last = { type: 'response.completed', response: responseOf(`Ask ${email}`, id) };
      provider.answer = (response) =>
        sendStream(response, [
          delta('Ask ana.si'),
          delta('lva@example.com'),
          `event: response.completed\ndata: ${JSON.stringify(last)}\n\n`,
        ]);
      let told = '';
      for await (const event of await client.responses.retrieve(id, { stream: true })) told += JSON.stringify(event);
      assert.match(told, /EMAIL_/);
      assert.doesNotMatch(told, /silva/);
      assert.equal(await codeOf(client.responses.retrieve(id, { stream: true, starting_after: 3 })), 'invalid_request');
    });
  });

  it('items of a conversation are checked when they are added, and when they are read', async () => {
    await stateGuardrails(stack, [{ name: 'mail', action: 'Block', pii: {} }]);
    provider.answer = (response) => sendJson(response, { id: 'conv_1', object: 'conversation' });
    const conversation = await client.conversations.create();
    const item = { type: 'message' as const, role: 'user' as const, content: email };
    assert.equal(
      await codeOf(client.conversations.items.create(conversation.id, { items: [item] })),
      'guardrail_blocked',
    );
    assert.equal(await codeOf(client.conversations.create({ items: [item] })), 'guardrail_blocked');
    provider.answer = (response) =>
      sendJson(response, { object: 'list', data: responseOf(email).output, has_more: false });
    assert.equal(await codeOf(client.conversations.items.list(conversation.id)), 'guardrail_blocked');
  });

  it('forms are checked, also their fields after the model', async () => {
    await stateGuardrails(stack, [{ name: 'mail', appliesTo: 'Input', action: 'Redact', pii: {} }]);
    provider.answer = (response) => sendJson(response, { text: 'Hello' });
    const file = await toFile(Buffer.from('RIFF'), 'speech.wav', { type: 'audio/wav' });
    const say = (prompt: string) => client.audio.transcriptions.create({ file, model: 'whisper-1', prompt });
    assert.equal(await codeOf(say('Names: Ana')), 'passes');
    assert.equal(await codeOf(say(email)), 'guardrail_blocked');
    const send = async (fields: readonly (readonly [string, string])[]) => {
      const form = new FormData();
      for (const [name, value] of fields) form.append(name, value);
      form.append('file', new Blob([Buffer.alloc(200_000)]), 'speech.wav');
      form.append('prompt', `late: ${email}`);
      const headers = { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' };
      return fetch(`${stack.baseUrl}/audio/transcriptions`, { method: 'POST', headers, body: form });
    };
    const late = await send([['model', 'whisper-1']]);
    assert.match(await late.text(), /guardrail_blocked/);
    const again = await send([
      ['prompt', 'early'],
      ['model', 'whisper-1'],
    ]);
    assert.match(await again.text(), /guardrail_blocked/);
  });

  it('each line of a batch is checked', async () => {
    await stateGuardrails(stack, [{ name: 'mail', appliesTo: 'Input', action: 'Redact', pii: {} }]);
    const line = (content: string) =>
      JSON.stringify({
        custom_id: 'a',
        method: 'POST',
        url: '/v1/chat/completions',
        body: { model: 'gpt-4o', messages: [{ role: 'user', content }] },
      });
    provider.answer = (response, { path }) => {
      if (path.endsWith('/content')) return response.writeHead(200).end(`${line('Hi')}\n${line(email)}\n`);
      return sendJson(response, path.endsWith('/files') ? { id: 'file_1', object: 'file' } : { id: 'batch_1' });
    };
    const file = await client.files.create({ file: await toFile(Buffer.from('x'), 'b.jsonl'), purpose: 'batch' });
    const batch = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
    const refused = await client.batches.create(batch).then(
      () => assert.fail('it passed'),
      (error: unknown) => error,
    );
    assert.ok(refused instanceof OpenAI.APIError);
    assert.equal(refused.code, 'guardrail_blocked');
    assert.doesNotMatch(refused.message, /silva/);

    await stateGuardrails(stack, [{ name: 'mail', appliesTo: 'Output', action: 'Redact', pii: {} }]);
    const answers = { response: { status_code: 200, body: responseOf(`Ask ${email}`) } };
    provider.answer = (response) => response.writeHead(200).end(`${JSON.stringify(answers)}\n`);
    const text = await (await client.files.content(file.id)).text();
    assert.match(text, /EMAIL_/);
    assert.doesNotMatch(text, /silva/);
  });

  it('a record names the guardrails that found something, and an answer that is refused is billed', async () => {
    await stateGuardrails(stack, [
      { name: 'in', appliesTo: 'Input', action: 'Redact', pii: {} },
      { name: 'out', appliesTo: 'Output', action: 'Block', pii: {} },
    ]);
    provider.answer = (response) => sendJson(response, responseOf(`Ask ${email}`, 'resp_billed'));
    assert.equal(await codeOf(client.responses.create({ model: 'gpt-4o', input: email })), 'guardrail_blocked');
    const record = await until(async () => {
      const { rows } = await db.query(
        `select status, error_code, guardrail_hits, output_tokens, cost_usd is not null as is_priced
         from chaperone.requests where response_id = 'resp_billed'`,
      );
      return rows[0];
    }, 'the record');
    assert.deepEqual(record, {
      status: 'failed',
      error_code: 'guardrail_blocked',
      guardrail_hits: ['in', 'out'],
      output_tokens: '3',
      is_priced: true,
    });
    assert.doesNotMatch(stack.log(), /silva/);
  });
});
