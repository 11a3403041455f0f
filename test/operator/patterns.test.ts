import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesPattern, overlap } from '../../operator/patterns.ts';

const pairs: readonly (readonly [string, string, boolean])[] = [
  ['gpt-4o', 'gpt-4o', true],
  ['gpt-4o', 'gpt-4', false],
  ['gpt-4o*', 'gpt-4o-mini', true],
  ['*', 'anything', true],
  ['gpt-*', 'o3*', false],
  ['gpt-*', '*-mini', true],
  ['gpt-*-mini', 'gpt-4*', true],
  ['*-mini', '*-nano', false],
  ['a*b', 'ab*', true],
  ['*a*', '*b*', true],
];
for (const [one, other, expected] of pairs) {
  test(`${one} and ${other} ${expected ? 'can' : 'cannot'} match the same text`, () => {
    assert.equal(overlap([one], [other]), expected);
    assert.equal(overlap(['x-1', other], [one, 'y-2']), expected);
  });
}

test('an absent list matches every text', () => {
  assert.deepEqual(
    [overlap(undefined, ['a']), overlap(['a'], undefined), overlap(undefined, undefined)],
    [true, true, true],
  );
});

const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 });

test('a pattern matches what its regular expression matches', () => {
  fc.assert(
    fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 }), (one, text) => {
      const expression = new RegExp(`^${one.replaceAll('*', '.*')}$`);
      assert.equal(matchesPattern(one, text), expression.test(text));
    }),
  );
});

test('two patterns overlap if and only if a text matches both', () => {
  const letters = ['a', 'b'];
  const texts = Array.from({ length: 11 }).reduce<string[][]>(
    (all) => [...all, (all.at(-1) ?? []).flatMap((text) => letters.map((letter) => text + letter))],
    [['']],
  );
  const short = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(short, short, (one, other) => {
      const isFound = texts.flat().some((text) => matchesPattern(one, text) && matchesPattern(other, text));
      assert.equal(overlap([one], [other]), isFound);
    }),
    { numRuns: 50 },
  );
});
