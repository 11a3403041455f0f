import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

test('every fault that users of other gateways report has its test', async () => {
  const text = await readFile(join(import.meta.dirname, 'reported-elsewhere.md'), 'utf8');
  const rows = [...text.matchAll(/^\| .* \| .* \| `([^`]+)`: (.+) \|$/gm)];
  assert.ok(rows.length >= 30, String(rows.length));
  for (const [, file = '', title = ''] of rows) {
    const source = await readFile(join(import.meta.dirname, file), 'utf8');
    assert.ok(source.includes(title), `${file} has no test named "${title}"`);
  }
});
