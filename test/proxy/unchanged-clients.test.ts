import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';

/** What well-known clients do of themselves, through the front door. */
describe('an unchanged client', () => {
  const scope = suiteScope();
  let stack: Stack;
  before(async () => {
    stack = await startStack(scope);
  });

  /** Sends a request with headers as they are, and reads the answer whole. */
  const send = async (method: string, path: string, headers: Readonly<Record<string, string>> = {}) => {
    const sent = request(`${stack.baseUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', ...headers },
    });
    sent.end();
    const [answer] = await once(sent, 'response');
    const { error } = JSON.parse(await text(answer));
    return { status: answer.statusCode, headers: answer.headers, error };
  };
  const webSocket = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  it('that opens a WebSocket is told to use HTTP, on every path of the API but that of sessions', async () => {
    for (const path of ['/chat/completions', '/realtime/calls', '/models', '/no-such-path']) {
      const { status, headers, error } = await send('GET', path, webSocket);
      assert.deepEqual([status, error.code, error.type], [426, 'websocket_not_served', 'invalid_request_error'], path);
      assert.equal(error.message, 'WebSockets are not served here: send the same call by POST, with "stream": true');
      assert.equal(headers.upgrade, 'HTTP/1.1');
      assert.match(headers['x-request-id'], /^req_/);
    }
    assert.equal((await send('GET', '/models', { ...webSocket, upgrade: 'WebSocket' })).status, 426);
  });

  it('that opens a WebSocket needs a credential, like any other', async () => {
    const { status, error } = await send('GET', '/models', { ...webSocket, authorization: 'Bearer nonsense' });
    assert.deepEqual([status, error.code], [401, 'invalid_credentials']);
  });

  it('that asks for another protocol, or for none, is answered as usual', async () => {
    const plain = await send('GET', '/chat/completions');
    assert.deepEqual([plain.status, plain.error.code], [404, 'route_not_found']);
    const http2 = await send('GET', '/chat/completions', { connection: 'Upgrade', upgrade: 'h2c' });
    assert.deepEqual([http2.status, http2.error.code], [404, 'route_not_found']);
  });

  const clientOf = (baseURL: string) =>
    new OpenAI({ baseURL, apiKey: stack.token, defaultHeaders: { 'X-User-ID': 'ada' }, maxRetries: 0 });
  const hi = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' } as const] };

  it('whose base URL ends with an extra slash is served, for calls and everything else', async () => {
    const call = (path: string, body?: object) =>
      fetch(new URL(path, stack.baseUrl), {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
        ...(body && { body: JSON.stringify(body) }),
      });
    for (const path of ['/v1//chat/completions', '/v1/chat//completions', '/v1//chat/completions?a=b//c']) {
      assert.equal((await call(path, hi)).status, 200, path);
    }
    for (const path of ['/v1//models', '/v1///personas', '/v1//models/gpt-4o']) {
      assert.equal((await call(path)).status, 200, path);
    }
    assert.equal((await call('/v1//no-such-path')).status, 404);
  });

  it('that looks up a model before it calls finds each one that it may call', async () => {
    const { models } = clientOf(stack.baseUrl);
    const listed = new Set((await models.list()).data.map(({ id }) => id));
    for (const model of ['gpt-4o', 'gpt-4o-2024-11-20', 'gpt-5-2025-08-07']) {
      assert.equal((await models.retrieve(model)).id, model);
    }
    assert.ok(!listed.has('gpt-4o-2024-11-20'), 'the provider does not list it');
    const found = await models.retrieve('gpt-4o-2024-11-20');
    const alias = await models.retrieve('gpt-4o');
    assert.deepEqual(found, { ...alias, id: 'gpt-4o-2024-11-20' });
    for (const model of ['gpt-4o-audio-preview', 'gpt-3.5-turbo', 'gpt-4o-made-up']) {
      await assert.rejects(models.retrieve(model), OpenAI.NotFoundError, model);
    }
  });
});
