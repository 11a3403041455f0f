import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { kubectlSchema } from '../../crds/documents.ts';
import { kubectlScalars } from './kubectl-scalars.ts';

function read(text: string): unknown {
  return parse(text, { ...kubectlSchema, logLevel: 'error' });
}

describe('a scalar is read as kubectl reads it', () => {
  for (const [source, json] of kubectlScalars) {
    test(`${source} is ${json ?? 'refused'}`, () => {
      if (json === undefined) return assert.throws(() => read(`value: ${source}`));
      // By their text: what has more than 53 bits is the nearest number that JavaScript has.
      const { value } = read(`value: ${source}\n`) as { value: unknown };
      assert.equal(JSON.stringify(value), JSON.stringify(JSON.parse(json) === 0 ? 0 : JSON.parse(json)));
    });
  }
});

const keys = [
  ['on', 'true'],
  ['No', 'false'],
  ['0777', '511'],
  ['1_000', '1000'],
  ['1.10', '1.1'],
  ['"on"', 'on'],
] as const;
for (const [source, key] of keys) {
  test(`a key ${source} is ${key}, as in kubectl`, () => {
    assert.deepEqual(read(`${source}: 1`), { [key]: 1 });
  });
}

test('mappings are merged, and a block is always text', () => {
  assert.deepEqual(read('a: &a {x: 1, y1: 2}\nb:\n  <<: *a\n  y1: 3\nc: |-\n  yes\n'), {
    a: { x: 1, y1: 2 },
    b: { x: 1, y1: 3 },
    c: 'yes',
  });
});

test('the definitions and the examples mean the same to kubectl and to a YAML parser', async () => {
  const root = join(import.meta.dirname, '../../..');
  for (const file of globSync('{crds,examples/**}/*.yaml', { cwd: root })) {
    const text = await readFile(join(root, file), 'utf8');
    const asOthers = parseAllDocuments(text, { merge: true }).map((document) => document.toJS());
    const own = [...parseAllDocuments(text, kubectlSchema)].map((document) => document.toJS());
    assert.deepEqual(own, asOthers, file);
  }
});
