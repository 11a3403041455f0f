import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { agreementOf, weights } from '../proxy/governance/support/confidence.ts';
import { type GivenPassage, makeDeskPrompt } from '../proxy/governance/support/prompt.ts';
import { readDeskReply } from '../proxy/governance/support/reply.ts';
import { startSandbox } from '../sandbox/server.ts';
import { type Installation, startInstallation } from './analytics/installation.ts';
import { type Benchmark, type BenchmarkContext, formatTable, median, round } from './benchmark.ts';
import { articles } from './retrieval/articles.ts';
import { expectedCalibrationError, fitWeights, type Labelled, toBins } from './support/calibration.ts';
import { storeConversations } from './support/figures.ts';
import { measureLoad } from './support/load.ts';

const figureRequests = 200;

/** Measures how far confidence can be believed, and how fast the figures of many conversations are read. */
export const support: Benchmark = {
  async run(context) {
    const { values } = parseArgs({
      args: [...context.args],
      options: {
        conversations: { type: 'string', default: '1000000' },
        load: { type: 'string' },
        turns: { type: 'string', default: '3' },
        slow: { type: 'string', default: '2000' },
        profile: { type: 'string' },
      },
    });
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    context.onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    if (values.load !== undefined) {
      const [conversations, turns, slowMs] = [Number(values.load), Number(values.turns), Number(values.slow)];
      const load = { conversations, turns, slowMs, profile: values.profile };
      return {
        figures: await measureLoad(directory, load, context),
        reach: {
          ...{ load_errors_count: { max: 0 }, load_added_mb: { max: 150 } },
          ...{ load_added_p50_ms: { max: slowMs / 10 }, load_added_p95_ms: { max: slowMs / 4 } },
        },
        summary: `${load.conversations} conversations at once, of ${load.turns} messages; each answer takes ${load.slowMs} ms.`,
      };
    }
    context.note('Starting everything ...');
    const installation = await startInstallation(directory, context);
    const calibration = await measureCalibration(installation, context);
    const count = Number(values.conversations);
    context.note(`Storing ${count.toLocaleString('en')} conversations ...`);
    await storeConversations(installation.databaseUrl, installation.organizationId, count);
    const speed = await measureFigures(installation);
    return {
      figures: { ...calibration, conversations_count: count, ...speed },
      reach: { calibration_error_ratio: { max: 0.1 }, analytics_p95_ms: { max: 100 } },
      summary: 'The sandbox answers; of half of the questions, the article is not there.',
    };
  },
};

async function request({ baseUrl, token }: Installation, method: string, path: string, body?: object) {
  const answer = await fetch(new URL(`/api/v1${path}`, baseUrl), {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

/** Half of the articles are there, so half of the questions have no right answer. */
async function measureCalibration(installation: Installation, context: BenchmarkContext) {
  const sandbox = await startSandbox({ port: 0 });
  context.onEnd(() => sandbox.close());
  const labels = new Map<string, string>();
  for (const [at, { id, title, content, language }] of articles.entries()) {
    if (at % 2 === 1) continue;
    const { article_id: article } = await request(installation, 'POST', '/knowledge-base', {
      title,
      content,
      language,
    });
    labels.set(article, id);
  }
  const answers: Labelled[] = [];
  for (const { id, questions } of articles) {
    for (const question of questions) {
      const { results } = await request(installation, 'POST', '/knowledge-base/search', { query: question, limit: 6 });
      const passages: GivenPassage[] = results.map((one: { article_id: string; title: string; passage: string }) => ({
        ...{ id: one.article_id, articleId: one.article_id, title: one.title, text: one.passage },
      }));
      answers.push(await answerOf(sandbox.url, question, passages, (article) => labels.get(article) === id));
    }
  }
  const [fitted, held] = [answers.filter((_, at) => at % 2 === 0), answers.filter((_, at) => at % 2 === 1)];
  const { base, agreement, own } = fitWeights(fitted);
  context.note(
    `Fitted to half of them: base ${base.toFixed(2)}, agreement ${agreement.toFixed(2)}, own ${own.toFixed(2)}`,
  );
  const bins = toBins(held, weights);
  context.note('The other half, by the weights in force:');
  context.note(
    formatTable([
      ['confidence', 'answers', 'mean', 'right'],
      ...bins.map(({ from, count, confidence, accuracy }) => [
        ...[`${from.toFixed(1)}-${(from + 0.1).toFixed(1)}`, String(count)],
        ...[confidence.toFixed(2), accuracy.toFixed(2)],
      ]),
    ]),
  );
  return {
    questions_count: answers.length,
    right_ratio: round(answers.filter(({ isRight }) => isRight).length / answers.length),
    calibration_error_ratio: round(expectedCalibrationError(bins)),
  };
}

async function answerOf(
  url: string,
  question: string,
  passages: readonly GivenPassage[],
  isRight: (article: string) => boolean,
): Promise<Labelled> {
  const settings = { model: 'gpt-4o-mini', persona: undefined, topics: [] };
  const { body } = makeDeskPrompt({ settings, passages, history: [], message: question, marker: '0123456789abcdef' });
  const answer = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-bench', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const read = readDeskReply(JSON.parse(await answer.text()), {
    ids: new Set(passages.map(({ id }) => id)),
    topics: [],
  });
  if ('problem' in read) throw new Error(`the sandbox: ${read.problem}`);
  const { cited, confidence: own } = read.reply;
  const agreement = agreementOf(question, passages, cited);
  return { parts: agreement === undefined ? undefined : { agreement, own }, isRight: cited.some(isRight) };
}

async function measureFigures(installation: Installation) {
  const times: number[] = [];
  for (let at = 0; at < figureRequests; at += 1) {
    const group = ['day', 'week', 'month'][at % 3];
    const startedTicks = performance.now();
    await request(installation, 'GET', `/analytics?start_date=2026-01-01&end_date=2026-12-31&group_by=${group}`);
    times.push(performance.now() - startedTicks);
  }
  times.sort((a, b) => a - b);
  return {
    analytics_p50_ms: round(median(times)),
    analytics_p95_ms: round(times[Math.floor(times.length * 0.95)] ?? Number.NaN),
  };
}
