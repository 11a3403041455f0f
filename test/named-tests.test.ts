import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';

/** A document whose tables name the tests that show what they say. */
interface Claims {
  readonly document: string;
  /** The heading of its tables. Absent: the whole document. */
  readonly section?: string;
  /** Fewer rows are a table that is not read as it should be. */
  readonly rows: number;
}

const documents: readonly Claims[] = [
  { document: 'docs/security.md', section: 'Threat model', rows: 60 },
  { document: 'test/found-here.md', rows: 80 },
  { document: 'test/reported-elsewhere.md', rows: 30 },
];

const root = dirname(import.meta.dirname);

for (const { document, section, rows: least } of documents) {
  describe(`the tests that ${document} names`, () => {
    const rows = rowsOf(sectionOf(readFileSync(join(root, document), 'utf8'), section));

    test('are there for each row', () => {
      assert.ok(rows.length >= least, `${rows.length} rows`);
      assert.deepEqual(
        rows.filter((row) => namedIn(row, document).length === 0),
        [],
      );
    });

    test('exist', () => {
      const missing = rows
        .flatMap((row) => namedIn(row, document))
        .filter(({ file, title }) => !hasTest(join(root, file), title))
        .map(({ file, title }) => `${file} has no test named "${title}"`);
      assert.deepEqual(missing, []);
    });
  });
}

test('a row without a test, and a test that is not there, are noticed', () => {
  assert.deepEqual(namedIn('| it tries to read | it cannot | |', 'docs/security.md'), []);
  assert.deepEqual(namedIn('| it tries | it [cannot](../proxy/cors.ts) | [works](../test/a.test.ts) |', 'docs/x.md'), [
    { file: 'test/a.test.ts', title: 'works' },
  ]);
  assert.ok(!hasTest(import.meta.filename, `exist${'s not'}`));
});

interface NamedTest {
  /** From the root of the repository. */
  readonly file: string;
  readonly title: string;
}

function sectionOf(text: string, section: string | undefined): string {
  if (section === undefined) return text;
  const [, after] = text.split(`\n## ${section}\n`);
  assert.ok(after !== undefined, `no heading "${section}"`);
  return after.split('\n## ')[0] ?? '';
}

/** The rows of all tables, without their heads. */
function rowsOf(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  return lines.filter((line, index) => !line.startsWith('| ---') && !lines[index + 1]?.startsWith('| ---'));
}

/** Tests are named as links with their title, or as a file in `test/` with it. */
function namedIn(row: string, document: string): NamedTest[] {
  const links = [...row.matchAll(/\[([^\]]+)\]\(([^)#]+\.ts)\)/g)].map(([, title = '', target = '']) => ({
    file: join(dirname(document), target),
    title,
  }));
  const [, file, title] = /\| `([^`]+\.ts)`: (.+) \|$/.exec(row) ?? [];
  const written = file !== undefined && title !== undefined ? [{ file: join('test', file), title }] : [];
  return [...links, ...written].filter((named) => named.file.startsWith('test/'));
}

/** Titles that are put together have the part that does not change. */
function hasTest(path: string, title: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').replaceAll("\\'", "'").includes(title);
}
