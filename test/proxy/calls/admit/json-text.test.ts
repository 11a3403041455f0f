import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scanJson } from '../../../../proxy/calls/admit/json-text.ts';

const table: readonly (readonly [text: string, hasInexactNumbers: boolean])[] = [
  ['{}', false],
  ['{"a":-0}', true],
  ['{"a":1.0}', true],
  ['{"a":[1,2.50]}', true],
  ['{"a":1e5}', true],
  ['{"a":12345678901234567890}', true],
  ['{"a":[1,2,30],"b":0.25,"c":-1}', false],
  ['{"a":"1e5, -0 and 12345678901234567890"}', false],
  ['{"a":"\\"","b":-0}', true],
  ['{"a":"\\\\","b":1.50,"c":"d"}', true],
  ['{"persona_id":"0e7a1b1e-1111-4222-8333-123456789012"}', false],
];

describe('numbers that JavaScript writes differently', () => {
  for (const [text, expected] of table) {
    test(`${expected ? 'are' : 'are not'} in ${text}`, () => assert.equal(scanJson(text).hasInexactNumbers, expected));
  }

  test('are in JavaScript’s own output only with an exponent or many digits', () => {
    const plain = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const value = fc.letrec((tie) => ({
      value: fc.oneof(plain, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.constantFrom(0, 2), (body, space) => {
        assert.equal(scanJson(JSON.stringify(body, null, space)).hasInexactNumbers, false);
      }),
    );
  });
});

test('names are counted, and escapes count only in names', () => {
  const facts = (text: string) => {
    const { nameCount, hasEscapedNames } = scanJson(text);
    return [nameCount, hasEscapedNames];
  };
  assert.deepEqual(facts('{"a" : "b:\\"c\\":", "d":{"e":[{"f":1}]}}'), [4, false]);
  assert.deepEqual(facts('{"a":1,"\\u0061":2}'), [2, true]);
});
