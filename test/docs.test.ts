import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { problems } from '../proxy/error.ts';

const root = dirname(import.meta.dirname);
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test('the table of errors is that of the code', () => {
  const rows = [...read('docs/architecture.md').matchAll(/^\| `(\w+)` \| (\d{3}) \| (.+) \|$/gm)];
  const told = rows.map(([, code, status, message]) => [code, { status: Number(status), message }]);
  assert.deepEqual(Object.fromEntries(told), problems);
});

test('what documents link to is there', () => {
  const documents = globSync('**/*.md', { cwd: root, exclude: ['**/node_modules', 'dist', '**/.*'] });
  const missing = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(root, dirname(document), target)))
      .map((target) => `${document}: ${target}`),
  );
  assert.ok(documents.length > 10);
  assert.deepEqual(missing, []);
});
