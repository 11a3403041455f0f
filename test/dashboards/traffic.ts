import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toFile } from 'openai';
import { replaceFile } from '../directories.ts';
import { openRealtime, says, sound } from '../proxy/sockets/realtime-client.ts';
import type { Scope } from '../scope.ts';
import { until } from '../until.ts';
import { answerOddly, type Product } from './product.ts';

const hello = [{ role: 'user' as const, content: 'Hello' }];
const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');

/** One call of every kind: answered, streamed, cached, failing, refused, and what is no call. */
export async function makeTraffic(scope: Scope, product: Product): Promise<void> {
  answerOddly(product);
  await edit(product);
  await makeCalls(product);
  await makeFailures(product);
  await useResources(product);
  await speak(scope, product);
  await workInBackground(product);
}

/** Changes a persona, and waits until the proxy has it in force. */
async function edit({ directory, proxy }: Product): Promise<void> {
  const changes = async () => {
    const text = await (await fetch(`http://127.0.0.1:${proxy.metricsPort}/metrics`)).text();
    return Number(/^chaperone_snapshot_propagation_seconds_count\S* (\d+)$/m.exec(text)?.[1]);
  };
  const before = await changes();
  const file = join(directory, 'personas.yaml');
  await replaceFile(file, (await readFile(file, 'utf8')).replace('friendly', 'very friendly'));
  await until(async () => (await changes()) > before, 'the edit to be in force');
}

async function makeCalls({ client }: Product): Promise<void> {
  await client.responses.create({ model: 'gpt-4o', input: 'Hello' });
  const stream = await client.chat.completions.create({ model: 'gpt-4o', stream: true, messages: hello });
  for await (const _ of stream);
  await client.chat.completions.create({ model: 'support', messages: hello, max_tokens: 1_000 });
  await client.chat.completions.create({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'Ask ada@example.com' }],
  });
  await client.chat.completions.create({ model: 'gpt-4.1-nano', messages: hello });
  await client.chat.completions.create({ model: 'gpt-4o', service_tier: 'flex', messages: hello });
  for (let time = 0; time < 2; time += 1) await client.chat.completions.create({ model: 'odd-model', messages: hello });
  // It goes on with what this proxy has not seen, and is answered after the database was asked for that.
  const answered = { role: 'assistant' as const, content: randomUUID() };
  await client.chat.completions.create({
    ...{ model: 'gpt-4o', messages: [{ role: 'user', content: randomUUID() }, answered, ...hello] },
    metadata: { sandbox: 'latency=600' },
  });
  for (let time = 0; time < 2; time += 1) {
    await client.embeddings.create({ model: 'text-embedding-3-small', input: 'When do you open?' });
  }
  await client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'Hello' });
  await client.images.generate({ model: 'dall-e-3', prompt: 'A lighthouse' });
  await (await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Good morning' })).arrayBuffer();
  await client.audio.transcriptions.create({
    model: 'whisper-1',
    file: await toFile(Buffer.alloc(32_000), 'speech.wav'),
  });
}

async function makeFailures({ client, baseUrl, issuer }: Product): Promise<void> {
  const chat = (model: string, more: object = {}) =>
    client.chat.completions.create({ model, messages: hello, ...more }).then(
      () => 200,
      ({ status }: { status: number }) => status,
    );
  // The first provider is away, and the second answers.
  for (let time = 0; time < 3; time += 1) assert.equal(await chat('gpt-4.1'), 200);
  assert.equal(await chat('gpt-4o', { metadata: { sandbox: 'status=500' } }), 500);
  assert.equal(await chat('gpt-4o', { metadata: { sandbox: 'status=400' } }), 400);
  await chat('gpt-4.1-mini');
  assert.equal(await chat('gpt-4.1-mini'), 429);
  assert.equal(await chat('gpt-5'), 429);
  assert.equal(await chat('gpt-4o', { messages: [{ role: 'user', content: `My key is ${secret}` }] }), 400);
  assert.equal(await chat('gpt-4o', { messages: [{ role: 'user', content: 'It is guaranteed' }] }), 403);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: issuer, aud: 'us', email: 'ada@example.com', exp: Math.floor(Date.now() / 1_000) + 600 };
  const token = `${part({ alg: 'RS256', kid: 'unknown' })}.${part(claims)}.c2lnbmF0dXJl`;
  const refused = await fetch(`${baseUrl}/personas`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(refused.status, 503, await refused.text());
}

async function useResources({ client }: Product): Promise<void> {
  await client.models.list();
  const { id } = await client.responses.create({ model: 'gpt-4o', input: 'Keep this' });
  await client.responses.retrieve(id);
  const asked = { config: { analysis_type: 'intent', categories: [{ name: 'billing' }] }, id };
  await client.post('/analysis', { body: asked });
  await client.post('/analysis', { body: asked });
}

async function speak(scope: Scope, product: Product): Promise<void> {
  const realtime = await openRealtime(scope, product);
  await realtime.next('session.created');
  realtime.send(says('Hello'));
  realtime.send({ type: 'response.create' });
  await realtime.next('response.done');
  realtime.send({ type: 'input_audio_buffer.append', audio: sound('silence', 0.1) });
  realtime.socket.close();
  await realtime.closed;
}

/** A worker writes an analysis, has an article's passages put into vectors, and tells the webhook, which fails at first. */
async function workInBackground({ client, receiver, ...product }: Product): Promise<void> {
  const told = receiver.received.length;
  receiver.answer = (response) => void response.writeHead(receiver.received.length === told + 1 ? 500 : 204).end();
  const { response } = await client.chat.completions
    .create({ model: 'gpt-4o', messages: [{ role: 'user', content: randomUUID() }] })
    .withResponse();
  const article = { title: 'Lamps', content: `The lamp has the number ${randomUUID()}.` };
  await post(product, '/api/v1/knowledge-base', article);
  await post(product, '/api/v1/review/queue', { query: 'Q', response: 'A', category: 'lamps' });
  const conversationId = response.headers.get('x-conversation-id');
  await post(product, '/api/analyses', { conversationId, branchId: 'main' });
  await until(() => receiver.received.length > told + 1, 'the webhook to be told again');
  await until(async () => (await indexed(product)) > 0, 'the article to be indexed');
}

async function post({ baseUrl, token }: Pick<Product, 'baseUrl' | 'token'>, path: string, body: object): Promise<void> {
  const made = await fetch(new URL(path, baseUrl), {
    method: 'POST',
    headers: { 'x-api-key': token, 'x-user-id': 'ada', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(made.ok, await made.text());
}

/** How many articles are indexed; 0 while some are not. */
async function indexed({ baseUrl, token }: Pick<Product, 'baseUrl' | 'token'>): Promise<number> {
  const headers = { 'x-api-key': token, 'x-user-id': 'ada' };
  const answer = await fetch(new URL('/api/v1/knowledge-base', baseUrl), { headers });
  const { index } = (await answer.json()) as { index: { indexed: number; published: number } };
  return index.indexed === index.published ? index.indexed : 0;
}
