import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { until } from '../until.ts';
import { errorIn, openSandbox } from './open-sandbox.ts';

test('every call is counted once, by the id its answer carries', async (t) => {
  const { openai, post, calls, callsUrl } = await openSandbox(t);
  const response = await openai.responses.create({ model: 'gpt-4o', input: 'Hi' });
  const completion = await openai.chat.completions.create({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Hi' }],
  });
  const { response: raw } = await openai.embeddings
    .create({ model: 'text-embedding-3-small', input: 'Hi' })
    .withResponse();
  await (await post('/responses', { model: 'none', input: 'Hi' })).text();
  await openai.models.list();

  const listed = await calls();
  assert.deepEqual(
    listed
      .slice(0, 3)
      .map(({ id, endpoint, model, key, status, total_tokens }) => [id, endpoint, model, key, status, total_tokens]),
    [
      [response.id, '/v1/responses', 'gpt-4o', '9876', 'completed', response.usage?.total_tokens],
      [completion.id, '/v1/chat/completions', 'gpt-4o-mini', '9876', 'completed', completion.usage?.total_tokens],
      [raw.headers.get('x-request-id'), '/v1/embeddings', 'text-embedding-3-small', '9876', 'completed', 1],
    ],
  );
  assert.deepEqual([listed.length, listed[3]?.status, listed[3]?.total_tokens], [4, 'failed', 0]);

  const summary = JSON.parse(await (await fetch(`${callsUrl}?summary`)).text());
  const sum = listed.reduce((tokens, call) => tokens + call.total_tokens, 0);
  assert.deepEqual(
    [summary.total, summary.total_tokens, summary.by_status.completed.calls, summary.by_status.failed.calls],
    [4, sum, 3, 1],
  );

  await fetch(callsUrl, { method: 'DELETE' });
  assert.deepEqual(await calls(), []);
});

test('a call shows its headers and body as they arrived', async (t) => {
  const { post, calls, callsUrl } = await openSandbox(t);
  const body = '{ "model": "gpt-4o",  "input": "Hi" }';
  await (await post('/responses', body, { headers: { 'X-Leak': 'yes' } })).text();
  const [call] = await calls();
  const received = JSON.parse(await (await fetch(`${callsUrl}/${call?.id}`)).text());
  assert.equal(received.body, body);
  const headers = new Headers(received.headers);
  assert.equal(headers.get('x-leak'), 'yes');
  assert.equal(headers.get('authorization'), 'Bearer sk-test-key-9876');
  assert.equal((await fetch(`${callsUrl}/none`)).status, 404);
});

test('a call without a key is refused, and counted', async (t) => {
  const { url, calls } = await openSandbox(t);
  const answer = await fetch(`${url}/responses`, { method: 'POST', body: '{}' });
  assert.equal(answer.status, 401);
  assert.match((await errorIn(answer)).message, /^You didn't provide an API key/);
  assert.deepEqual(
    (await calls()).map((call) => [call.status, call.key]),
    [['failed', null]],
  );
  assert.equal((await fetch(`${url}/models`)).status, 401);
});

test('a client that leaves in the middle of its body has its call logged as aborted', async (t) => {
  const { url, calls } = await openSandbox(t);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(
    'POST /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: 100\r\n\r\n{"model":',
  );
  await until(async () => (await calls()).length === 1);
  socket.destroy();
  const status = await until(async () => {
    const [call] = await calls();
    return call?.status !== 'running' && call?.status;
  });
  assert.equal(status, 'aborted');
});

test('hundreds of streams at once are all counted', async (t) => {
  const { post, calls } = await openSandbox(t);
  const metadata = { sandbox: 'words=10,delta-delay=1' };
  const body = { model: 'gpt-4o', input: 'Hi', stream: true, metadata };
  const ids = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const text = await (await post('/responses', body)).text();
      assert.ok(text.includes('event: response.completed'));
      return /"id":"(resp_[0-9a-f]+)"/.exec(text)?.[1];
    }),
  );
  const listed = await calls();
  assert.deepEqual(listed.map((call) => call.id).sort(), ids.sort());
  assert.ok(listed.every((call) => call.status === 'completed'));
});
