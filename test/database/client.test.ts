import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

test('statements are named by statementName, so that none has a name behind a pooler', () => {
  const files = globSync('database/**/*.ts', { cwd: root });
  const texts = files.map((file) => readFileSync(join(root, file), 'utf8'));
  assert.ok(texts.filter((text) => /^ +name: statementName\(/m.test(text)).length >= 10);
  const named = files.filter((_, index) => /^ +name: '[^']+',$/m.test(texts[index] ?? ''));
  assert.deepEqual(named, []);
});
