import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArticleFile } from '../../knowledge/front-matter.ts';

test('an article is its front matter and its text', () => {
  const file = `---
title: Pair a lamp
category: devices
tags: [lamp, setup]
language: de
status: draft
metadata: { author: Ann }
organization: acme
---

# Before
Plug it in.

---
After a line.
`;
  assert.deepEqual(readArticleFile(file), {
    article: {
      title: 'Pair a lamp',
      content: '# Before\nPlug it in.\n\n---\nAfter a line.',
      category: 'devices',
      tags: ['lamp', 'setup'],
      language: 'de',
      status: 'draft',
      metadata: { author: 'Ann' },
    },
    organization: 'acme',
  });
});

test('an article needs a title and a text', () => {
  assert.deepEqual(readArticleFile('---\ntitle: a\n---\nb'), {
    article: { title: 'a', content: 'b', category: null, tags: [], status: 'published', language: 'en', metadata: {} },
    organization: undefined,
  });
});

test('line ends and a byte order mark make no difference', () => {
  const read = readArticleFile('\ufeff---\r\ntitle: a\r\n---\r\nb\r\n');
  assert.ok('article' in read && read.article.title === 'a' && read.article.content === 'b');
});

const wrong: readonly (readonly [
  file: string,
  problem: readonly [field: string | undefined, line: number | undefined],
])[] = [
  ['no front matter', [undefined, 1]],
  ['---\ntitle: a\nwithout an end', [undefined, 1]],
  ['\n---\ntitle: a\n---\nb', [undefined, 1]],
  ['---\ntitle: [a\n---\nb', [undefined, 3]],
  ['---\njust words\n---\nb', [undefined, 2]],
  ['---\ncategory: a\n---\nb', ['title', 1]],
  ['---\ntitle: 5\n---\nb', ['title', 2]],
  ['---\ntitle: a\ntags: lamp\n---\nb', ['tags', 3]],
  ['---\ntitle: a\nstatus: public\n---\nb', ['status', 3]],
  ['---\ntitle: a\nlanguage: English\n---\nb', ['language', 3]],
  ['---\ntitle: a\nmetadata: []\n---\nb', ['metadata', 3]],
  ['---\ntitle: a\nauthor: b\n---\nb', ['author', 3]],
  ['---\ntitle: a\n__proto__: b\n---\nb', ['__proto__', 3]],
  ['---\ntitle: a\n---\n \n', [undefined, undefined]],
  [`---\ntitle: a\n---\n${'b'.repeat(500_001)}`, [undefined, undefined]],
];
for (const [file, [field, line]] of wrong) {
  test(`the file ${JSON.stringify(file.slice(0, 60))} has its problem named`, () => {
    const read = readArticleFile(file);
    assert.ok('problems' in read);
    const [problem] = read.problems;
    assert.deepEqual([problem.field, problem.line], [field, line]);
    assert.ok(problem.reason.length > 5);
  });
}
