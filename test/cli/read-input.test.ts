import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { endOfInput, readInput } from '../../cli/read-input.ts';

test('an input ends with its end, or with a line of three dots', async () => {
  const [ended, open] = [new PassThrough(), new PassThrough()];
  ended.end('a: 1\nb: ...\n');
  open.write(`a: 1\n---\nb: 2\n${endOfInput}\nnot read`);
  assert.equal(await readInput(ended), 'a: 1\nb: ...');
  assert.equal(await readInput(open), 'a: 1\n---\nb: 2');
});
