// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { substitute } from '../../../operator/cluster/directory/environment.ts';

const environment = { KEY: 'sk-1', EMPTY: '', DOLLAR: '$&' };

const table = [
  ['${KEY}', { text: 'sk-1' }],
  ['a ${KEY} b ${KEY}', { text: 'a sk-1 b sk-1' }],
  ['${KEY:-other}', { text: 'sk-1' }],
  ['${NONE:-other}', { text: 'other' }],
  ['${NONE:-}', { text: '' }],
  ['${EMPTY:-other}', { text: 'other' }],
  ['${DOLLAR}', { text: '$&' }],
  ['$KEY ${} ${1}', { text: '$KEY ${} ${1}' }],
  ['${NONE} ${KEY} ${ELSE}', { missing: ['NONE', 'ELSE'] }],
  ['${EMPTY}', { missing: ['EMPTY'] }],
  ['${toString}', { missing: ['toString'] }],
] as const;

for (const [text, expected] of table) {
  test(`${text} becomes ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(substitute(text, environment), expected);
  });
}
