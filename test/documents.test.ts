import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBlocks, readBlocks, walkedDocuments } from './documents.ts';

/** Blocks that the walk cannot run, by document, heading and first word, and what keeps it from that. */
const notRun: Readonly<Record<string, string>> = {
  'docs/kubernetes.md, Images: docker': 'there is neither Docker nor a registry; the walk gives its images these names',
  'docs/kubernetes.md, Back up: pg_dump': 'it is for a database elsewhere; that of the chart is dumped by the walk',
  'docs/kubernetes.md, Restore: psql': 'likewise',
  'docs/kubernetes.md, PgBouncer: kubectl':
    'there is no PgBouncer in the cluster; test/proxy/pooler.test.ts has a real one',
};

/** What is to be read, or to be put into a file or a database. */
const notShell = ['yaml', 'sql', 'ini', 'text', 'dockerfile'];

describe('the blocks of tested documents', () => {
  const blocks = walkedDocuments.flatMap(readBlocks);

  test('are run by test/e2e/walk.test.ts (sh), are not commands, or say why they are not run (console)', () => {
    const commands = blocks.filter(({ language }) => language !== 'sh' && !notShell.includes(language));
    const named = commands.map(({ document, heading, language, text }) =>
      language === 'console'
        ? `${document}, ${heading}: ${text.split(' ')[0]}`
        : `${document}, ${heading}: "${language}"`,
    );
    assert.deepEqual(named.toSorted(), Object.keys(notRun).toSorted());
  });

  test('have no command in a block that is only to be read', () => {
    for (const { document, line, language, text } of blocks.filter(({ language }) => notShell.includes(language))) {
      assert.doesNotMatch(text, /^(kubectl|helm|npm|docker) /m, `${document}:${line} is ${language}`);
    }
  });

  test('are found with heading, line and language', () => {
    const markdown = '# A\n\n```sh\n# no heading\nls\n```\n\n## B\n\n```\ntext\n```\n';
    assert.deepEqual(parseBlocks('x.md', markdown), [
      { document: 'x.md', heading: 'A', line: 4, language: 'sh', text: '# no heading\nls' },
      { document: 'x.md', heading: 'B', line: 11, language: '', text: 'text' },
    ]);
    assert.throws(() => parseBlocks('x.md', '```sh\nls'), /x\.md:2/);
  });
});
