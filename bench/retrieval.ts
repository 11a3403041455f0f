import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { type Installation, startInstallation } from './analytics/installation.ts';
import { type Benchmark, type BenchmarkContext, formatTable, median, round } from './benchmark.ts';
import { articles } from './retrieval/articles.ts';
import { makeArticle, makeQuestion, makeRandom } from './retrieval/corpus.ts';
import { measureQuality } from './retrieval/quality.ts';
import { copyResources, type Ranking, type Resources } from './retrieval/resources.ts';

const questionCount = 500;
const writers = 4;

/** Measures how well and how fast the knowledge base finds articles, by its API. */
export const retrieval: Benchmark = {
  async run(context) {
    const { values } = parseArgs({
      args: [...context.args],
      options: {
        articles: { type: 'string', default: '20000' },
        misses: { type: 'boolean', default: false },
        vectors: { type: 'boolean', default: false },
      },
    });
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    context.onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    context.note('Starting everything ...');
    const resources = await copyResources(directory);
    const api = openApi(await startInstallation(directory, context, resources.directory), context);
    const quality = await measureLabelled(api, resources, context, values.misses);
    await changeRanking(api, resources, 'words');
    const speed = await measureSpeed(api, context, Number(values.articles));
    const more = values.vectors ? await measureVectors(api, resources, context, speed.questions) : {};
    return {
      figures: { ...quality, ...speed.figures, ...more },
      reach: {
        ...{ fused_recall_5_ratio: { min: 0.9 }, search_p95_ms: { max: 50 } },
        ...(values.vectors && { fused_search_p95_ms: { max: 50 } }),
      },
      summary: `${articles.length} labelled articles in two languages, then ${values.articles} made-up ones.`,
    };
  },
};

interface Found {
  /** The best first. */
  readonly ids: readonly string[];
  readonly rankedBy: Ranking;
}

interface Api {
  /** @returns the article's id */
  write(article: { title: string; content: string; language?: string }): Promise<string>;
  search(query: string): Promise<Found>;
  /** @returns how many published articles are not in the index yet */
  countWaiting(): Promise<number>;
}

function openApi({ baseUrl, token }: Installation, { onEnd }: BenchmarkContext): Api {
  const pool = new Pool(new URL(baseUrl).origin, { connections: writers });
  onEnd(() => pool.close());
  const send = async (method: 'GET' | 'POST', path: string, sent?: object) => {
    const { statusCode, body: answer } = await pool.request({
      ...{ method, path: `/api/v1/knowledge-base${path}`, ...(sent && { body: JSON.stringify(sent) }) },
      headers: { authorization: `Bearer ${token}`, ...(sent && { 'content-type': 'application/json' }) },
    });
    const text = await answer.text();
    if (statusCode !== 200) throw new Error(`the knowledge base answered ${statusCode}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  };
  return {
    write: async (article) => (await send('POST', '', article)).article_id,
    async search(query) {
      const { results, ranked_by: rankedBy } = await send('POST', '/search', { query });
      return { ids: results.map(({ article_id: id }: { article_id: string }) => id), rankedBy };
    },
    async countWaiting() {
      const { index } = await send('GET', '?limit=1');
      return index.published - index.indexed;
    },
  };
}

/** Edits the Organization, and waits until the edit is in force and the index is as it says. */
async function changeRanking(api: Api, resources: Resources, ranking: Ranking): Promise<void> {
  await resources.rankBy(ranking);
  while ((await api.search('lamp')).rankedBy !== ranking || (await api.countWaiting()) > 0) await delay(200);
}

async function measureLabelled(api: Api, resources: Resources, context: BenchmarkContext, tellMisses: boolean) {
  const labels = new Map<string, string>();
  for (const { id, title, content, language } of articles) {
    labels.set(await api.write({ title, content, language }), id);
  }
  const figures: Record<string, number> = {};
  for (const [name, ranking] of [
    ['lexical', 'words'],
    ['fused', 'words_and_vectors'],
    ['vector', 'vectors'],
  ] as const) {
    await changeRanking(api, resources, ranking);
    const ranks: number[] = [];
    const misses: string[][] = [];
    for (const { id, questions } of articles) {
      for (const question of questions) {
        const found = (await api.search(question)).ids.map((one) => labels.get(one) ?? '');
        const rank = found.indexOf(id);
        ranks.push(rank);
        if (rank !== 0) misses.push([name, question, id, String(rank + 1), found[0] ?? '']);
      }
    }
    if (tellMisses) context.note(formatTable(misses));
    const { recallAt5, ndcgAt5 } = measureQuality(ranks);
    figures.questions_count = ranks.length;
    figures[`${name}_recall_5_ratio`] = round(recallAt5);
    figures[`${name}_ndcg_5_ratio`] = round(ndcgAt5);
  }
  return figures;
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
  const { p50, p95 } = await timeSearches(api, questions);
  const figures = { articles_count: count, write_ms: round(writeMs), search_p50_ms: p50, search_p95_ms: p95 };
  return { questions, figures };
}

/** With vectors of all made-up articles. The sandbox makes them, so it says nothing about a provider. */
async function measureVectors(
  api: Api,
  resources: Resources,
  { note }: BenchmarkContext,
  questions: readonly string[],
) {
  note('Making vectors ...');
  const startedTicks = performance.now();
  await changeRanking(api, resources, 'words_and_vectors');
  const vectorsS = (performance.now() - startedTicks) / 1_000;
  const { p50, p95 } = await timeSearches(api, questions);
  return { vectors_s: round(vectorsS), fused_search_p50_ms: p50, fused_search_p95_ms: p95 };
}

async function timeSearches(api: Api, questions: readonly string[]) {
  const times: number[] = [];
  for (const question of questions) {
    const askedTicks = performance.now();
    await api.search(question);
    times.push(performance.now() - askedTicks);
  }
  times.sort((a, b) => a - b);
  return { p50: round(median(times)), p95: round(times[Math.floor(times.length * 0.95)] ?? Number.NaN) };
}
