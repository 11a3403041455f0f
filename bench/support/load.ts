import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSandbox } from '../../sandbox/server.ts';
import { build } from '../../scripts/build.ts';
import { type BenchmarkContext, median, round } from '../benchmark.ts';
import { type GovernedProxy, startInstallation, startProxyWith, untilShipped } from '../path/governed.ts';
import { readResidentBytes, watchResidentBytes } from '../resident-memory.ts';
import { articles } from '../retrieval/articles.ts';

export interface LoadOptions {
  /** How many conversations are led at once. */
  readonly conversations: number;
  /** How many messages each of them has. */
  readonly turns: number;
  /** How long the provider takes for each answer, in milliseconds. */
  readonly slowMs: number;
}

/** Leads many conversations at once over a provider that is slow. */
export async function measureLoad(directory: string, options: LoadOptions, context: BenchmarkContext) {
  await build();
  const upstreamUrl = await startSlowProvider(options.slowMs, context);
  const support = { maxTurns: 1_000, confidenceThreshold: 0 };
  const installation = await startInstallation(directory, upstreamUrl, context, { support });
  const proxy = await startProxyWith([], join(directory, 'load'), installation, context);
  const ask = makeAsk(proxy, installation.token);
  for (const { title, content, language } of articles) await ask('/knowledge-base', { title, content, language });
  const questions = articles.flatMap((article) => article.questions);
  // So that what a first conversation loads is not counted.
  await lead(ask, 0, questions, 1);
  const beforeBytes = await readResidentBytes(proxy.pid);
  const watch = watchResidentBytes(proxy.pid);
  const startedTicks = performance.now();
  const led = await Promise.all(
    Array.from({ length: options.conversations }, (_, at) => lead(ask, at + 1, questions, options.turns)),
  );
  const seconds = (performance.now() - startedTicks) / 1_000;
  const peakBytes = await watch.stop();
  await untilShipped(proxy);
  const turns = led.flat();
  const times = turns.flatMap(({ ms }) => (ms === undefined ? [] : [ms])).sort((a, b) => a - b);
  const added = (ms: number | undefined) => round(Math.max(0, (ms ?? Number.NaN) - options.slowMs));
  return {
    load_conversations_count: options.conversations,
    load_messages_count: turns.length,
    load_errors_count: turns.length - times.length,
    load_messages_per_s: round(turns.length / seconds),
    load_added_p50_ms: added(median(times)),
    load_added_p95_ms: added(times[Math.floor(times.length * 0.95)]),
    load_added_mb: round((peakBytes - beforeBytes) / 1e6),
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
async function lead(ask: Ask, customer: number, questions: readonly string[], turns: number) {
  const times: { readonly ms: number | undefined }[] = [];
  let id: unknown;
  for (let turn = 0; turn < turns; turn += 1) {
    const message = questions[(customer * turns + turn) % questions.length];
    const startedTicks = performance.now();
    const { status, body } = await ask('/conversations', {
      ...{ user_id: `customer_${customer}`, channel: 'chat', message },
      ...(id !== undefined && { conversation_id: id }),
    });
    id = body.conversation_id ?? id;
    times.push({ ms: status === 200 ? performance.now() - startedTicks : undefined });
  }
  return times;
}
