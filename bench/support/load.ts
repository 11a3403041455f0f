import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSandbox } from '../../sandbox/server.ts';
import { build } from '../../scripts/build.ts';
import { type BenchmarkContext, median, round } from '../benchmark.ts';
import {
  type GovernedProxy,
  type Installation,
  startInstallation,
  startProxyWith,
  untilShipped,
} from '../path/governed.ts';
import { readFamilyCpuSeconds, readProcessorMs } from '../processor-time.ts';
import { readResidentBytes, watchResidentBytes } from '../resident-memory.ts';
import { articles } from '../retrieval/articles.ts';

export interface LoadOptions {
  /** How many conversations are led at once. */
  readonly conversations: number;
  /** How many messages each of them has. */
  readonly turns: number;
  /** How long the provider takes for each answer, in milliseconds. */
  readonly slowMs: number;
  /** Where a CPU profile of the proxy is written. Undefined: nowhere. */
  readonly profile: string | undefined;
}

/**
 * Leads many conversations at once over a provider that is slow: first such that begin within the time of one answer, then
 * such that all begin in the same moment.
 */
export async function measureLoad(directory: string, options: LoadOptions, context: BenchmarkContext) {
  await build();
  const upstreamUrl = await startSlowProvider(options.slowMs, context);
  const support = { maxTurns: 1_000, confidenceThreshold: 0 };
  const installation = await startInstallation(directory, upstreamUrl, context, { support });
  const profiling = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const proxy = await startProxyWith(profiling, join(directory, 'load'), installation, context);
  const ask = makeAsk(proxy, installation.token);
  for (const { title, content, language } of articles) await ask('/knowledge-base', { title, content, language });
  let customers = 0;
  const leadAll = async (conversations: number, beginWithinMs: number) => {
    const first = customers;
    customers += conversations;
    const led = Array.from({ length: conversations }, async (_, at) => {
      await delay((at / conversations) * beginWithinMs);
      return lead(ask, first + at, options.turns);
    });
    return (await Promise.all(led)).flat();
  };
  // So that nothing is counted that only the first messages cost: what is loaded and compiled.
  await leadAll(warmUpConversations, options.slowMs);
  const beforeBytes = await readResidentBytes(proxy.pid);
  const watch = watchResidentBytes(proxy.pid);
  const spent = await startClocks(proxy, installation);
  const startedTicks = performance.now();
  const times = await leadAll(options.conversations, options.slowMs);
  const seconds = (performance.now() - startedTicks) / 1_000;
  await untilShipped(proxy);
  const cpuMs = await spent(times.length);
  const burst = await leadAll(options.conversations, 0);
  const peakBytes = await watch.stop();
  const added = addedBy(options.slowMs, times);
  const addedToBurst = addedBy(options.slowMs, burst);
  return {
    load_conversations_count: options.conversations,
    load_messages_count: times.length + burst.length,
    load_errors_count: added.errors + addedToBurst.errors,
    load_messages_per_s: round(times.length / seconds),
    load_added_p50_ms: added.p50Ms,
    load_added_p95_ms: added.p95Ms,
    burst_added_p50_ms: addedToBurst.p50Ms,
    burst_added_p95_ms: addedToBurst.p95Ms,
    ...cpuMs,
    load_added_mb: round((peakBytes - beforeBytes) / 1e6),
  };
}

const warmUpConversations = 100;
const questions = articles.flatMap((article) => article.questions);

/** What messages took in addition to the provider. @param times undefined: it was not answered */
function addedBy(slowMs: number, times: readonly (number | undefined)[]) {
  const answered = times.filter((ms) => ms !== undefined).sort((a, b) => a - b);
  const added = (ms: number | undefined) => round(Math.max(0, (ms ?? Number.NaN) - slowMs));
  return {
    errors: times.length - answered.length,
    p50Ms: added(median(answered)),
    p95Ms: added(answered[Math.floor(answered.length * 0.95)]),
  };
}

/** Begins to count processor time. @returns reads what was spent since, for each message */
async function startClocks(proxy: GovernedProxy, { postgresPid }: Installation) {
  const read = async () => ({
    proxy: await readProcessorMs(proxy.pid),
    postgres: (await readFamilyCpuSeconds(postgresPid)) * 1_000,
    others: await readProcessorMs(process.pid),
  });
  const before = await read();
  return async (messages: number) => {
    const now = await read();
    return {
      load_proxy_cpu_ms: round((now.proxy - before.proxy) / messages),
      load_postgres_cpu_ms: round((now.postgres - before.postgres) / messages),
      load_others_cpu_ms: round((now.others - before.others) / messages),
    };
  };
}

/** The sandbox, behind a server that waits before it passes a call on. */
async function startSlowProvider(slowMs: number, { onEnd }: BenchmarkContext): Promise<string> {
  const sandbox = await startSandbox({ port: 0 });
  onEnd(() => sandbox.close());
  const { hostname, port } = new URL(sandbox.url);
  const server = createServer(async (asked, answer) => {
    const body = Buffer.concat(await asked.toArray());
    await delay(slowMs);
    const { method = 'GET', url = '/', headers } = asked;
    const passed = send({ hostname, port, method, path: url, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    passed.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

type Ask = (path: string, body: object) => Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;

function makeAsk({ port }: GovernedProxy, token: string): Ask {
  return async (path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
}

/** Leads one conversation. @returns how long each message took; undefined: it was not answered */
async function lead(ask: Ask, customer: number, turns: number): Promise<(number | undefined)[]> {
  const times: (number | undefined)[] = [];
  let id: unknown;
  for (let turn = 0; turn < turns; turn += 1) {
    const message = questions[(customer * turns + turn) % questions.length];
    const startedTicks = performance.now();
    const { status, body } = await ask('/conversations', {
      ...{ user_id: `customer_${customer}`, channel: 'chat', message },
      ...(id !== undefined && { conversation_id: id }),
    });
    id = body.conversation_id ?? id;
    times.push(status === 200 ? performance.now() - startedTicks : undefined);
  }
  return times;
}
