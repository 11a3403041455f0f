import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { openSandbox } from '../open-sandbox.ts';

function cosine(left: number[] = [], right: number[] = []): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}

test('equal texts have equal vectors, similar texts near ones', async (t) => {
  const { openai } = await openSandbox(t);
  const input = ['The cat sat on the mat', 'The cat sat on the mat', 'The cats sat on a mat', 'Quarterly revenue rose'];
  const { data, usage, model } = await openai.embeddings.create({ model: 'text-embedding-3-small', input });
  const [one, same, similar, other] = data.map((item) => item.embedding);
  assert.equal(one?.length, 1536);
  assert.deepEqual(one, same);
  assert.ok(Math.abs(cosine(one, one) - 1) < 1e-5);
  assert.ok(cosine(one, similar) > 0.6);
  assert.ok(cosine(one, other) < 0.3);
  assert.deepEqual([model, usage.prompt_tokens], ['text-embedding-3-small', 6 + 6 + 6 + 6]);
});

test('floats and base64 are equal', async (t) => {
  const { openai } = await openSandbox(t);
  const request = { model: 'text-embedding-3-large', input: 'Hello', dimensions: 64 };
  const packed = await openai.embeddings.create(request);
  const floats = await openai.embeddings.create({ ...request, encoding_format: 'float' });
  assert.equal(floats.data[0]?.embedding.length, 64);
  assert.deepEqual(packed.data, floats.data);
});

test('tokens are an input like text', async (t) => {
  const { openai } = await openSandbox(t);
  const model = 'text-embedding-ada-002';
  const one = await openai.embeddings.create({ model, input: [1, 2, 3] });
  const two = await openai.embeddings.create({ model, input: [[1, 2, 3], [4]] });
  assert.deepEqual([one.data.length, one.usage.prompt_tokens], [1, 3]);
  assert.deepEqual([two.data.length, two.usage.prompt_tokens], [2, 4]);
  assert.deepEqual(one.data[0]?.embedding, two.data[0]?.embedding);
});

test('refusals raise the right class', async (t) => {
  const { openai } = await openSandbox(t);
  const model = 'text-embedding-3-small';
  await assert.rejects(openai.embeddings.create({ model, input: '' }), OpenAI.BadRequestError);
  await assert.rejects(openai.embeddings.create({ model, input: [] }), OpenAI.BadRequestError);
  await assert.rejects(openai.embeddings.create({ model, input: 'x', dimensions: 5000 }), OpenAI.BadRequestError);
  await assert.rejects(openai.embeddings.create({ model: 'gpt-4o', input: 'x' }), OpenAI.PermissionDeniedError);
  await assert.rejects(openai.embeddings.create({ model: 'none', input: 'x' }), OpenAI.NotFoundError);
});
