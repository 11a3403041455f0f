import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { replaceFile } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const completion = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

/** An Organization's `limits`, through the front door: a real operator, a real proxy, and a provider that waits. */
describe('an Organization with a limit of one concurrent call', () => {
  const scope = suiteScope();
  let stack: Stack;
  let client: OpenAI;
  let specWithoutLimits: string;
  const held: ServerResponse[] = [];
  /** Where set, the provider answers at once. */
  let answersAtOnce = false;
  let asked = 0;

  const answer = (incoming: IncomingMessage, response: ServerResponse) => {
    asked += 1;
    incoming.resume();
    response.setHeader('content-type', 'application/json');
    if (answersAtOnce) response.end(completion);
    else held.push(response);
  };
  const limit = async (concurrent: number | undefined) => {
    const field = concurrent ? `  limits:\n    - name: calls\n      concurrent: ${concurrent}\n` : '';
    await replaceFile(join(stack.directory, 'organization.yaml'), specWithoutLimits + field);
  };
  const chat = () =>
    client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] });
  /** A call that the provider has, and does not answer yet. */
  const holdCall = async () => {
    const before = asked;
    for (;;) {
      let isRefused = false;
      const answered = chat();
      answered.catch(() => {
        isRefused = true;
      });
      await until(async () => isRefused || asked > before, 'the provider to have the call');
      // The call before it may not have given back its place yet.
      if (!isRefused) return { answered };
    }
  };
  /** What becomes of a second call while a first one is under way. */
  const probe = async (): Promise<'held' | 'refused'> => {
    const { answered: first } = await holdCall();
    let isRefused = false;
    const second = chat().catch(() => {
      isRefused = true;
    });
    await until(async () => isRefused || held.length === 2, 'the second call to be held or refused');
    const found = isRefused ? 'refused' : 'held';
    for (const response of held.splice(0)) response.end(completion);
    await Promise.all([first, second]);
    return found;
  };
  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
    return text.split('\n').find((line) => line.startsWith(name)) ?? '';
  };

  before(async () => {
    const server = createServer(answer);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => server.close().closeAllConnections());
    stack = await startStack(scope, { upstreamUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
    const headers = { 'X-User-ID': 'bob' };
    client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, defaultHeaders: headers, maxRetries: 0 });
    const quickstart = await readFile(join(stack.directory, 'organization.yaml'), 'utf8');
    // Every model, so that nothing but the limit refuses a call.
    specWithoutLimits = quickstart.replace(/ {2}# Any other model[\s\S]*$/, '');
    await limit(1);
    await until(async () => (await probe()) === 'refused', 'the limit to be in force');
  });

  const ways: readonly (readonly [name: string, path: string, body: object])[] = [
    ['a chat', '/chat/completions', { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }],
    ['a response', '/responses', { model: 'gpt-4o', input: 'Hi' }],
    ['a response that is streamed', '/responses', { model: 'gpt-4o', input: 'Hi', stream: true }],
    ['an embedding', '/embeddings', { model: 'text-embedding-3-small', input: 'Hi' }],
    ['a form', '/audio/transcriptions', { model: 'whisper-1', file: new File(['x'], 'a.wav') }],
    ['a count of tokens', '/responses/input_tokens', { model: 'gpt-4o', input: 'Hi' }],
  ];
  for (const [name, path, body] of ways) {
    it(`refuses ${name} during another call`, async () => {
      await holdCall();
      const before = asked;
      const isForm = Object.values(body).some((value) => value instanceof File);
      const answered = await fetch(`${stack.baseUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'eve' },
        body: isForm ? formOf(body) : JSON.stringify(body),
      });
      assert.equal(answered.status, 429);
      assert.equal(answered.headers.get('retry-after'), '1');
      const { error } = (await answered.json()) as { error: { type: string; code: string; message: string } };
      assert.deepEqual([error.type, error.code], ['rate_limit_error', 'limit_reached']);
      assert.match(
        error.message,
        /^A limit of the organization is reached: the limit calls lets 1 call be under way at once/,
      );
      assert.equal(asked, before, 'nothing of it reaches the provider');
      for (const response of held.splice(0)) response.end(completion);
    });
  }

  it('refuses an analysis during another call, and makes it afterwards', async () => {
    answersAtOnce = true;
    const { id } = await chat();
    answersAtOnce = false;
    const { answered: first } = await holdCall();
    const analyze = () =>
      fetch(`${stack.baseUrl}/analysis`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', 'content-type': 'application/json' },
        body: JSON.stringify({ id, config: { analysis_type: 'intent', categories: [{ name: 'billing' }] } }),
      });
    const refused = await analyze();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '1');
    answersAtOnce = true;
    for (const response of held.splice(0)) response.end(completion);
    await first;
    // The provider of this test answers no such question; it was asked, which is all that matters here.
    assert.notEqual((await analyze()).status, 429);
    answersAtOnce = false;
  });

  it('lets the SDK retry by itself, and the next call take the freed place', async () => {
    const { answered: first } = await holdCall();
    const patient = client.withOptions({ maxRetries: 5 });
    const second = patient.chat.completions.create({ model: 'gpt-4o-mini', messages: [] });
    await until(async () => /\{limit="calls"[^}]*\} [1-9]/.test(await metric('chaperone_limited_calls_total')));
    answersAtOnce = true;
    for (const response of held.splice(0)) response.end(completion);
    assert.equal((await first).id, 'chatcmpl-1');
    assert.equal((await second).id, 'chatcmpl-1');
    answersAtOnce = false;
  });

  it('frees the place of a call whose client leaves, once its provider has ended the answer', async () => {
    const before = asked;
    const leaving = new AbortController();
    const first = client.responses.create({ model: 'gpt-4o', input: 'Hi' }, { signal: leaving.signal });
    first.catch(() => {});
    await until(async () => asked > before, 'the provider to have the call');
    leaving.abort();
    for (const response of held.splice(0)) response.destroy();
    answersAtOnce = true;
    await until(async () => (await chat().catch(() => undefined)) !== undefined, 'its place to be free');
    answersAtOnce = false;
  });

  it('admits every call once the limit is removed', async () => {
    await limit(undefined);
    await until(async () => (await probe()) === 'held', 'no limit to be in force');
  });
});

function formOf(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}
