import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { AzureOpenAI, toFile } from 'openai';
import { errorIn, openSandbox } from './open-sandbox.ts';

const apiVersion = '2024-10-21';
const messages = [{ role: 'user' as const, content: 'Hello' }];

/** Azure's own client, which decides what the sandbox must understand. */
async function openAzure(t: Parameters<typeof openSandbox>[0]) {
  const sandbox = await openSandbox(t);
  const endpoint = sandbox.url.replace(/\/v1$/, '');
  const azure = new AzureOpenAI({ endpoint, apiKey: 'azure-key-1234', apiVersion, maxRetries: 0 });
  return { ...sandbox, endpoint, azure };
}

test('Azure’s client calls deployments, by key', async (t) => {
  const { azure, calls } = await openAzure(t);
  const completion = await azure.chat.completions.create({ model: 'prod-gpt-4o', messages });
  assert.equal(completion.choices[0]?.message.content, '[sandbox gpt-4o] Instructions: none. You said: Hello');
  assert.equal(completion.model, 'gpt-4o-2024-08-06', 'the answer names what is deployed');
  assert.ok('prompt_filter_results' in completion);
  const { data } = await azure.embeddings.create({ model: 'search-text-embedding-3-small', input: 'Hello' });
  assert.equal(data[0]?.embedding.length, 1536);
  await azure.images.generate({ model: 'gpt-image-1', prompt: 'A hat' });
  await azure.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Hello' });
  const file = await toFile(Buffer.alloc(16_000), 'a.wav');
  await azure.audio.transcriptions.create({ model: 'whisper-1', file });
  const billed = (await calls()).map(({ endpoint, model, key }) => [endpoint, model, key]);
  assert.deepEqual(billed, [
    ['/v1/chat/completions', 'prod-gpt-4o', '1234'],
    ['/v1/embeddings', 'search-text-embedding-3-small', '1234'],
    ['/v1/images/generations', 'gpt-image-1', '1234'],
    ['/v1/audio/speech', 'tts-1', '1234'],
    ['/v1/audio/transcriptions', 'whisper-1', '1234'],
  ]);
});

test('a stream begins with what the filters say about the prompt', async (t) => {
  const { azure } = await openAzure(t);
  const stream = await azure.chat.completions.create({ model: 'gpt-4o', messages, stream: true });
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const [first, second] = chunks;
  assert.deepEqual([first?.id, first?.model, first?.choices], ['', '', []]);
  assert.match(second?.id ?? '', /^chatcmpl-/);
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
  assert.equal(text, '[sandbox gpt-4o] Instructions: none. You said: Hello');
});

test('Azure’s client makes responses, and OpenAI’s client speaks the v1 API', async (t) => {
  const { azure, endpoint } = await openAzure(t);
  const made = await azure.responses.create({ model: 'prod-gpt-4o', input: 'Hello' });
  const v1 = new OpenAI({ baseURL: `${endpoint}/openai/v1`, apiKey: 'azure-key-1234', maxRetries: 0 });
  const found = await v1.responses.retrieve(made.id);
  assert.equal(found.output_text, '[sandbox gpt-4o] Instructions: none. You said: Hello');
  await v1.chat.completions.create({ model: 'prod-gpt-4o', messages });
});

test('refusals are Azure’s', async (t) => {
  const { azure, endpoint } = await openAzure(t);
  await assert.rejects(azure.chat.completions.create({ model: 'nobody', messages }), {
    status: 404,
    code: 'DeploymentNotFound',
  });
  const url = `${endpoint}/openai/deployments/gpt-4o/chat/completions`;
  const body = JSON.stringify({ messages });
  const without = await fetch(url, { method: 'POST', headers: { 'api-key': 'k' }, body });
  assert.deepEqual([without.status, (await errorIn(without)).code], [404, '404'], 'no api-version');
  const keyless = await fetch(`${url}?api-version=${apiVersion}`, { method: 'POST', body });
  assert.deepEqual([keyless.status, (await errorIn(keyless)).code], [401, '401']);
  const token = { authorization: 'Bearer entra-token' };
  const byToken = await fetch(`${url}?api-version=${apiVersion}`, { method: 'POST', headers: token, body });
  assert.equal(byToken.status, 200, await byToken.text());
});
