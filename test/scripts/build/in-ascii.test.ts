import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { transform } from 'esbuild';
import { inAscii } from '../../../scripts/build/in-ascii.ts';

const source = `
  // A comment with ß and 👩.
  matched = [
    /^vers[ãó]o$/.test('versão'),
    /^[ßæœøđłı]+$/.test('ßæœøđłı'),
    /^Anna[’']s$/.test('Anna’s'),
    /^[👩🙂]$/u.test('🙂'),
    /^[👩🙂]$/v.test('👩'),
    /^👩$/.test('👩'),
    /[^é]/.test('é'),
  ];`;
const expected = [true, true, true, true, true, true, false];

test('a program in ASCII matches the same texts, although it is read as latin1', async () => {
  const { code } = await transform(source, { target: 'node26', minifyWhitespace: true });
  // What it is for: the bundler leaves regular expressions as they are.
  assert.notDeepEqual(run(code), expected);
  assert.deepEqual(run(inAscii(code)), expected);
});

function run(code: string): unknown {
  const context: { matched?: unknown[] } = {};
  runInNewContext(Buffer.from(code, 'utf8').toString('latin1'), context);
  return [...(context.matched ?? [])];
}
