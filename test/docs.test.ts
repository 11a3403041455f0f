import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { problems } from '../proxy/error.ts';

const root = dirname(import.meta.dirname);
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test('the table of errors equals that of the code', () => {
  const rows = [...read('docs/reference.md').matchAll(/^\| `(\w+)` \| (\d{3}) \| (.+) \|$/gm)];
  const told = rows.map(([, code, status, message]) => [code, { status: Number(status), message }]);
  const known = Object.entries(problems).map(([code, { status, message }]) => [code, { status, message }]);
  assert.deepEqual(Object.fromEntries(told), Object.fromEntries(known));
});

test('every link of a document has a target', () => {
  const documents = globSync('**/*.md', { cwd: root, exclude: ['**/node_modules', 'dist', '**/.*'] });
  const missing = documents.flatMap((document) =>
    [...withoutCode(read(document)).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, target = '', anchor]) => {
        const file = target === '' ? document : join(dirname(document), target);
        return !existsSync(join(root, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
      })
      .map(([link]) => `${document}: ${link}`),
  );
  assert.ok(documents.length > 10);
  assert.deepEqual(missing, []);
});

/** Patterns in code look like links. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

/** The anchors that GitHub gives to a document's headings. */
function anchorsOf(document: string): readonly string[] {
  const headings = [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
