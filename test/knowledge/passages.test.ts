import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldWords } from '../../knowledge/fold.ts';
import { cutPassages } from '../../knowledge/passages.ts';

const cut = (content: string) =>
  cutPassages(content).map(({ startsAt, endsAt, headings }) => [headings.join(' > '), content.slice(startsAt, endsAt)]);

test('an article is cut at its headings', () => {
  const content = 'Before.\n# Login\nHow to log in.\n## Two factors\nUse the app.\n# Invoices #\nMonthly.\n';
  assert.deepEqual(cut(content), [
    ['', 'Before.'],
    ['Login', 'How to log in.'],
    ['Login > Two factors', 'Use the app.'],
    ['Invoices', 'Monthly.'],
  ]);
});

test('a number sign in a block of code is no heading', () => {
  const content = '# Install\n```sh\n# as root\nmake\n```\nThen start it.';
  assert.deepEqual(cut(content), [['Install', '```sh\n# as root\nmake\n```\nThen start it.']]);
});

test('an article of headings alone is one passage', () => {
  assert.deepEqual(cut('# One\n## Two'), [['', '# One\n## Two']]);
});

test('a long section is cut between sentences', () => {
  const sentence = 'This sentence says something about invoices. ';
  const parts = cut(`# Invoices\n${sentence.repeat(60)}`);
  assert.ok(parts.length > 1);
  for (const [heading, text = ''] of parts) {
    assert.equal(heading, 'Invoices');
    assert.ok(text.startsWith('This') && text.endsWith('.') && text.length <= 1_200);
  }
});

test('passages are in order, short, and leave out nothing but headings and white space', () => {
  const line = fc.oneof(
    fc.constantFrom('# A', '## B', '```', '', '   '),
    fc.string({ maxLength: 3_000, unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const content = lines.join('\n');
      const passages = cutPassages(content);
      let end = 0;
      let between = '';
      for (const { startsAt, endsAt } of passages) {
        assert.ok(startsAt >= end && endsAt >= startsAt);
        assert.ok(passages.length === 1 || endsAt - startsAt <= 1_200);
        between += content.slice(end, startsAt);
        end = endsAt;
      }
      between += content.slice(end);
      for (const left of between.split('\n')) assert.match(left, /^\s*$|^ {0,3}#{1,6}[ \t]/);
    }),
  );
});

test('words are folded alike in articles and in questions', () => {
  for (const [text, folded] of [
    ['Crème brûlée', 'creme brulee'],
    ['STRASSE und Straße', 'strasse und strasse'],
    ['Zürich/Genève', 'zurich geneve'],
    ['Łódź, København', 'lodz, kobenhavn'],
    ['한국어 हिन्दी', '한국어 हिन्दी'],
    ['a\0b', 'a\ufffdb'],
  ] as const) {
    assert.equal(foldWords(text), folded);
  }
});
