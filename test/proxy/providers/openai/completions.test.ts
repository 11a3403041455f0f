import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compact } from '../../../../proxy/providers/openai/compact.ts';
import { completions } from '../../../../proxy/providers/openai/completions.ts';
import { moderations } from '../../../../proxy/providers/openai/moderations.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

test('a streamed completion is read and joined, and shows no usage that was not asked for', () => {
  const chunk = (choices: object[], used: object | null) =>
    `data: ${JSON.stringify({ id: 'cmpl-1', model: 'm', choices, usage: used })}\n\n`;
  const stream =
    chunk([{ index: 0, text: 'Once ', finish_reason: null }], null) +
    chunk([{ index: 1, text: 'Then', finish_reason: 'length' }], null) +
    chunk([{ index: 0, text: 'upon', finish_reason: 'stop' }], null) +
    chunk([], usage);
  const reader = completions.readStream({ hideUsage: true, keepOutput: true, body: {} });
  const passed = reader.read(Buffer.from(`${stream}data: [DONE]\n\n`))?.toString() ?? '';
  assert.doesNotMatch(passed, /usage/);
  assert.match(passed, /Once .*upon.*\[DONE\]/s);
  assert.equal(reader.reading()?.responseId, 'cmpl-1');
  assert.deepEqual(reader.reading()?.usage, { ...unknownUsage, inputTokens: 3, outputTokens: 2, totalTokens: 5 });
  assert.deepEqual(JSON.parse(reader.output() ?? ''), {
    id: 'cmpl-1',
    object: 'text_completion',
    model: 'm',
    choices: [
      { index: 0, text: 'Once upon', finish_reason: 'stop' },
      { index: 1, text: 'Then', finish_reason: 'length' },
    ],
  });
});

test('usage of a streamed completion is asked for where the client does not', () => {
  assert.equal(completions.needsUsageOption({ stream: true }), true);
  assert.equal(completions.needsUsageOption({ stream_options: { include_usage: true } }), false);
});

test('a compaction is read like a response, and gets only instructions from a persona', () => {
  const answer = {
    id: 'resp_1',
    object: 'response.compaction',
    output: [],
    usage: { input_tokens: 9, output_tokens: 4, total_tokens: 13 },
  };
  const { failed, responseId, usage } = compact.read(answer, {});
  assert.deepEqual([failed, responseId, usage.totalTokens], [false, 'resp_1', 13]);
});

test('a moderation has an id and a model, and no usage', () => {
  const { usage, ...read } = moderations.read({ id: 'modr-1', model: 'omni-moderation-latest', results: [] }, {});
  assert.deepEqual(read, {
    failed: false,
    errorCode: null,
    responseId: 'modr-1',
    model: 'omni-moderation-latest',
    serviceTier: null,
  });
  assert.deepEqual(usage, unknownUsage);
});
