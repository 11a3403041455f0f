import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeChooser } from '../../../proxy/http/choose-surface.ts';

const register = async () => {};
const choose = makeChooser([
  { name: 'general', paths: ['/v1'] },
  { name: 'marked', paths: ['/v1/messages'], marked: { header: 'x-vendor', paths: ['/v1'], register } },
  { name: 'special', paths: ['/v1/limits'] },
]);
const mark = { 'x-vendor': '1' };

const table: readonly (readonly [url: string, headers: Record<string, string>, name: string, isWithin: boolean])[] = [
  ['/v1/files', {}, 'general', true],
  ['/v1/files', mark, 'marked', true],
  ['/v1/messages/batches', {}, 'marked', true],
  ['/v1/messages', mark, 'marked', true],
  ['/v1/limits', mark, 'special', true],
  ['/elsewhere', {}, 'general', false],
  ['/elsewhere', mark, 'marked', false],
];
for (const [url, headers, name, isWithin] of table) {
  const by = Object.keys(headers).join() || 'none';
  test(`${url} with the headers ${by} is for ${name}`, () => {
    const found = choose({ url, headers });
    assert.deepEqual([found.surface.name, found.isWithin], [name, isWithin]);
  });
}
