import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { composeAnswer, limitTokens, splitDeltas } from '../../sandbox/answer.ts';
import { tokensOfText } from '../../sandbox/usage.ts';

const anyText = fc.string({ unit: 'grapheme', maxLength: 200 });

test('deltas add up to the text', () => {
  fc.assert(fc.property(anyText, (text) => splitDeltas(text).join('') === text));
});

test('a limit keeps a prefix of whole characters within it', () => {
  fc.assert(
    fc.property(anyText, fc.nat(60), (text, maxTokens) => {
      const limited = limitTokens(text, maxTokens);
      assert.ok(text.startsWith(limited.text));
      assert.ok(limited.text.isWellFormed());
      assert.ok(tokensOfText(limited.text) <= maxTokens);
      assert.equal(limited.cut, limited.text !== text);
    }),
  );
});

test('an answer has the requested length', () => {
  const turns = [{ speaker: 'user', text: 'Hi there', bytes: 8 }] as const;
  for (const words of [1, 3, 7, 50]) {
    assert.equal(composeAnswer('gpt-4o', turns, words).split(' ').length, words);
  }
});
