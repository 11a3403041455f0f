import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

/** How code states the reason of a condition. */
const statements = [
  /(?:notReady|verdict|problem|former|notGiven)\(\s*'([A-Z]\w+)'/g,
  /Reason = '([A-Z]\w+)'/g,
  /type: '\w+',\s+status: false,\s+reason: '([A-Z]\w+)'/g,
];

/** The reasons of conditions without a fault, which the guide does not list. */
const untroubled = ['Current', 'Exclusive', 'Given', 'NotNeeded'];

test('the guide lists every reason of a condition, and no other', async () => {
  const guide = await readFile(join(root, 'docs', 'kubernetes.md'), 'utf8');
  const [, table = ''] = /\n## What conditions say\n([\s\S]*?)\n\nWhoever creates a pod/.exec(guide) ?? [];
  const told = [...table.matchAll(/`([A-Z][A-Za-z]+)`(?=[^|]*\|[^|]*\|$)/gm)].map(([, reason]) => reason);
  const stated = new Set<string>();
  for (const file of globSync('operator/**/*.ts', { cwd: root })) {
    const source = await readFile(join(root, file), 'utf8');
    for (const statement of statements) for (const [, reason] of source.matchAll(statement)) stated.add(reason ?? '');
  }
  for (const reason of untroubled) assert.ok(stated.delete(reason));
  assert.deepEqual([...new Set(told)].sort(), [...stated].sort());
});
