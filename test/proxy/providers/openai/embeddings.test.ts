import assert from 'node:assert/strict';
import { test } from 'node:test';
import { embeddings } from '../../../../proxy/providers/openai/embeddings.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';

test('an answer is read, and has no output', () => {
  assert.deepEqual(
    embeddings.read(
      { object: 'list', model: 'text-embedding-3-small', usage: { prompt_tokens: 5, total_tokens: 5 } },
      {},
    ),
    {
      failed: false,
      errorCode: null,
      responseId: null,
      model: 'text-embedding-3-small',
      serviceTier: null,
      usage: { ...unknownUsage, inputTokens: 5, outputTokens: 0, totalTokens: 5 },
    },
  );
});

test('usage that was not reported is unknown, not 0', () => {
  assert.deepEqual(embeddings.read({ model: 'm' }, {}).usage, unknownUsage);
  assert.deepEqual(embeddings.read(null, {}).usage, unknownUsage);
});

test('an error is read', () => {
  const { failed, errorCode } = embeddings.read({ error: { code: 'model_not_found' } }, {});
  assert.deepEqual([failed, errorCode], [true, 'model_not_found']);
});

test('there are no streams', () => {
  assert.throws(() => embeddings.readStream({ hideUsage: false, keepOutput: false, body: {} }), {
    code: 'upstream_invalid_response',
  });
  assert.equal(embeddings.needsUsageOption({ stream: true }), false);
});
