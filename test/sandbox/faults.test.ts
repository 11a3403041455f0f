import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultTexts, parseFaults } from '../../sandbox/faults.ts';
import { ProviderError } from '../../sandbox/provider-error.ts';

test('directives combine, and a later one wins', () => {
  assert.deepEqual(parseFaults([' latency=100, words=500,cut', 'words=5']), { latency: 100, words: 5, cut: true });
  assert.deepEqual(parseFaults(['', ' , ']), {});
});

for (const text of [
  'status=200',
  'status',
  'status=',
  'words=0',
  'cut=1',
  'latency=-1',
  'words=1.5',
  'words=1=2',
  'boom',
]) {
  test(`refused: ${text}`, () => {
    assert.throws(() => parseFaults([text]), ProviderError);
  });
}

test('they come by header and in metadata', () => {
  assert.deepEqual(faultTexts('cut', { metadata: { sandbox: 'words=5' } }), ['cut', 'words=5']);
  assert.deepEqual(faultTexts(undefined, { metadata: { sandbox: 5 } }), []);
  assert.deepEqual(faultTexts(undefined, []), []);
});
