import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderArticles } from '../../../cli/get/render-articles.ts';

const article = {
  ...{ organization: 'acme', articleId: 'kb_1', version: 2, language: 'en' },
  status: 'published',
  ...{ category: 'devices\u001b[2J', passages: 3, waiting: 1, updatedAt: new Date('2026-11-30T01:00:00.500Z') },
} as const;
const draft = {
  ...article,
  ...{ articleId: 'kb_2', category: null, passages: 0, waiting: 0 },
  status: 'draft',
} as const;

test('a table shows how much of an article is in the index, and moves no cursor', () => {
  assert.equal(
    renderArticles([article, draft], 'table'),
    `ORGANIZATION   ARTICLE   STATUS      INDEXED   LANGUAGE   CATEGORY      VERSION   CHANGED
acme           kb_1      published   2/3       en         devices\ufffd[2J   2         2026-11-30T01:00:00Z
acme           kb_2      draft                 en                       2         2026-11-30T01:00:00Z
`,
  );
  assert.equal(renderArticles([], 'table'), 'There are no articles.\n');
});

test('JSON has the names of the API', () => {
  const { articles } = JSON.parse(renderArticles([article], 'json'));
  assert.deepEqual(articles, [
    {
      ...{ organization: 'acme', article_id: 'kb_1', version: 2, status: 'published', indexed: false, passages: 3 },
      ...{ waiting: 1, language: 'en', category: article.category, updated_at: '2026-11-30T01:00:00.500Z' },
    },
  ]);
});
