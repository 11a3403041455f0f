import assert from 'node:assert/strict';
import { test } from 'node:test';
import { articles } from '../../../../bench/retrieval/articles.ts';
import { measureQuality } from '../../../../bench/retrieval/quality.ts';
import { startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';
import { startStackWorker } from '../../../worker/webhooks/start.ts';
import { setSpec } from '../../surfaces/support/desk-stack.ts';

const embedding = { model: 'text-embedding-3-small', dimensions: 512 };

// `npm run bench -- retrieval` measures more of the same. The sandbox makes the vectors.
test('nine of ten labelled questions have their article among the first five, by words and with vectors', async (t) => {
  const stack = await startStack(t, { prepare: (directory) => setSpec(directory, { knowledgeBase: { embedding } }) });
  const token = await stack.sign({ user: 'ada', roles: ['admin'] });
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(new URL(`/api/v1/knowledge-base${path}`, stack.baseUrl), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
  };
  const labels = new Map<string, string>();
  for (const { id, title, content, language } of articles) {
    const { article_id: article } = await ask('POST', '', { title, content, language });
    labels.set(article, id);
  }
  const measure = async () => {
    const ranks: number[] = [];
    for (const { id, questions } of articles) {
      for (const query of questions) {
        const { results } = await ask('POST', '/search', { query });
        ranks.push(results.findIndex((one: { article_id: string }) => labels.get(one.article_id) === id));
      }
    }
    return { questions: ranks.length, ...measureQuality(ranks) };
  };
  // No vectors yet.
  const byWords = await measure();
  await startStackWorker(t, stack);
  await until(async () => {
    const { index } = await ask('GET', '?limit=1');
    return index.indexed === articles.length;
  }, 'the vectors');
  const fused = await measure();
  t.diagnostic(`recall@5 of ${fused.questions} questions: ${byWords.recallAt5} by words, ${fused.recallAt5} fused`);
  assert.ok(fused.questions >= 140);
  assert.ok(byWords.recallAt5 >= 0.85, `by words: ${byWords.recallAt5}`);
  assert.ok(fused.recallAt5 >= 0.9, `fused: ${fused.recallAt5}`);
  assert.ok(fused.ndcgAt5 >= 0.8, `fused nDCG: ${fused.ndcgAt5}`);
});
