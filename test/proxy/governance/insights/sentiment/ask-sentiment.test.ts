import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readSentiment } from '../../../../../proxy/governance/insights/sentiment/ask-sentiment.ts';

const whole = {
  ...{ key_positives: ['speed'], key_negatives: [], sentiment: 'positive', satisfaction_score: 9 },
  ...{ positive: 0.92, negative: 0.03, neutral: 0.05 },
};
const completion = (content: string, more: object = {}) => ({
  choices: [{ message: { role: 'assistant', content, ...more }, finish_reason: 'stop' }],
});
const read = (changes: object) => readSentiment(completion(JSON.stringify({ ...whole, ...changes })));
const judged = (changes: object) => {
  const found = read(changes);
  return 'sentiment' in found ? found.sentiment : assert.fail(found.problem);
};

test('what was asked for is read', () => {
  assert.deepEqual(judged({}), {
    ...{ sentiment: 'positive', positive: 0.92, negative: 0.03, neutral: 0.05, satisfactionScore: 9 },
    ...{ keyPositives: ['speed'], keyNegatives: [] },
  });
  assert.equal('sentiment' in readSentiment(completion(`\`\`\`json\n${JSON.stringify(whole)}\n\`\`\``)), true);
});

test('shares are made to sum to one, and the label to be that of the largest', () => {
  const percent = judged({ positive: 92, negative: 3, neutral: 5 });
  assert.deepEqual([percent.positive, percent.negative, percent.neutral], [0.92, 0.03, 0.05]);
  assert.equal(judged({ sentiment: 'negative' }).sentiment, 'positive');
  assert.equal(judged({ sentiment: 'neutral', positive: 0.4, negative: 0.2, neutral: 0.4 }).sentiment, 'neutral');
});

test('any shares sum to one', () => {
  const share = fc.double({ min: 0, max: 1_000, noNaN: true });
  fc.assert(
    fc.property(share, share, share, (positive, negative, neutral) => {
      fc.pre(positive + negative + neutral > 1e-3);
      const found = judged({ positive, negative, neutral });
      assert.ok(Math.abs(found.positive + found.negative + found.neutral - 1) < 0.002);
      assert.equal(found[found.sentiment], Math.max(found.positive, found.negative, found.neutral));
    }),
  );
});

const wrong: readonly (readonly [what: string, changes: object])[] = [
  ['an unknown label', { sentiment: 'happy' }],
  ['a share below zero', { positive: -0.1 }],
  ['a share that is a text', { positive: '0.9' }],
  ['no shares', { positive: 0, negative: 0, neutral: 0 }],
  ['no score', { satisfaction_score: null }],
  ['a score beyond ten', { satisfaction_score: 11 }],
];
for (const [what, changes] of wrong) {
  test(`${what} is no answer`, () => assert.deepEqual(read(changes), { problem: 'upstream_invalid_response' }));
}

test('a refusal and an answer that is cut off are told from one that is wrong', () => {
  assert.deepEqual(readSentiment(completion('', { refusal: 'No.' })), { problem: 'upstream_refused' });
  const cut = { choices: [{ message: { content: '{' }, finish_reason: 'length' }] };
  assert.deepEqual(readSentiment(cut), { problem: 'upstream_incomplete' });
  assert.deepEqual(readSentiment(completion('I cannot say')), { problem: 'upstream_invalid_response' });
});
