import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { type Installation, startInstallation } from './analytics/installation.ts';
import { type Benchmark, type BenchmarkContext, formatTable, median, round } from './benchmark.ts';
import { articles } from './retrieval/articles.ts';
import { makeArticle, makeQuestion, makeRandom } from './retrieval/corpus.ts';
import { measureQuality } from './retrieval/quality.ts';

const questionCount = 500;
const writers = 4;

/** Measures how well and how fast the knowledge base finds articles, by its API. */
export const retrieval: Benchmark = {
  async run(context) {
    const { values } = parseArgs({
      args: [...context.args],
      options: { articles: { type: 'string', default: '20000' }, misses: { type: 'boolean', default: false } },
    });
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    context.onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    context.note('Starting everything ...');
    const api = openApi(await startInstallation(directory, context), context);
    const quality = await measureLabelled(api, context, values.misses);
    const speed = await measureSpeed(api, context, Number(values.articles));
    return {
      figures: { ...quality, ...speed },
      reach: { recall_5_ratio: { min: 0.9 }, search_p95_ms: { max: 50 } },
      summary: `${articles.length} labelled articles in two languages, then ${values.articles} made-up ones.`,
    };
  },
};

interface Api {
  /** @returns the article's id */
  write(article: { title: string; content: string; language?: string }): Promise<string>;
  /** @returns the ids of what is found, the best first */
  search(query: string): Promise<readonly string[]>;
}

function openApi({ baseUrl, token }: Installation, { onEnd }: BenchmarkContext): Api {
  const pool = new Pool(new URL(baseUrl).origin, { connections: writers });
  onEnd(() => pool.close());
  const post = async (path: string, body: object) => {
    const { statusCode, body: answer } = await pool.request({
      ...{ method: 'POST', path: `/api/v1/knowledge-base${path}`, body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    const text = await answer.text();
    if (statusCode !== 200) throw new Error(`the knowledge base answered ${statusCode}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  };
  return {
    write: async (article) => (await post('', article)).article_id,
    search: async (query) =>
      (await post('/search', { query })).results.map(({ article_id: id }: { article_id: string }) => id),
  };
}

async function measureLabelled(api: Api, { note }: BenchmarkContext, tellMisses: boolean) {
  const labels = new Map<string, string>();
  for (const { id, title, content, language } of articles) {
    labels.set(await api.write({ title, content, language }), id);
  }
  const ranks: number[] = [];
  const misses: string[][] = [];
  for (const { id, questions } of articles) {
    for (const question of questions) {
      const found = (await api.search(question)).map((one) => labels.get(one) ?? '');
      const rank = found.indexOf(id);
      ranks.push(rank);
      if (rank !== 0) misses.push([question, id, String(rank + 1), found[0] ?? '']);
    }
  }
  if (tellMisses) note(formatTable(misses));
  const { recallAt5, ndcgAt5 } = measureQuality(ranks);
  return { questions_count: ranks.length, recall_5_ratio: round(recallAt5), ndcg_5_ratio: round(ndcgAt5) };
}

async function measureSpeed(api: Api, { note }: BenchmarkContext, count: number) {
  note(`Writing ${count.toLocaleString('en')} articles ...`);
  const random = makeRandom(1);
  const questions: string[] = [];
  const startedTicks = performance.now();
  let written = 0;
  const write = async () => {
    while (written < count) {
      written += 1;
      if (written % 2_000 === 0) note(`  ${written.toLocaleString('en')}`);
      const article = makeArticle(random);
      if (random() < questionCount / count) questions.push(makeQuestion(random, article.content));
      await api.write(article);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  const writeMs = (performance.now() - startedTicks) / count;
  const times: number[] = [];
  for (const question of questions) {
    const askedTicks = performance.now();
    await api.search(question);
    times.push(performance.now() - askedTicks);
  }
  times.sort((a, b) => a - b);
  return {
    articles_count: count,
    write_ms: round(writeMs),
    search_p50_ms: round(median(times)),
    search_p95_ms: round(times[Math.floor(times.length * 0.95)] ?? Number.NaN),
  };
}
