import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { parseDocument } from 'yaml';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { makeDirectory, replaceFile } from '../../directories.ts';
import { startProxy, type TestProxyOptions } from '../../proxy-process.ts';
import { atEnd, type Scope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { startRelay, type TcpRelay, viaPort } from '../../tcp-relay.ts';
import { until } from '../../until.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** What the matrix breaks: a whole installation, with a relay in front of each thing that a proxy speaks to. */
export interface Installation {
  readonly stack: Stack<ProxyProcess>;
  readonly upstream: Upstream;
  /** Between proxies and PostgreSQL. */
  readonly databaseRelay: TcpRelay;
  /** Between proxies and the provider. */
  readonly upstreamRelay: TcpRelay;
  readonly superuserUrl: string;
  /** The volume of the first proxy. */
  readonly dataDirectory: string;
  /** Everything that a collector of traces was sent. */
  readonly traces: string[];
  /** The logs of further proxies. */
  readonly logs: readonly string[];
  /** The volumes of proxies. */
  readonly volumes: readonly string[];
  /** Asks PostgreSQL itself, as a superuser, over a connection of its own. */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  withDatabase<T>(use: (database: Client) => Promise<T>): Promise<T>;
  /** Another proxy of the organization. */
  startProxy(scope: Scope, options?: Partial<TestProxyOptions>): Promise<OwnProxy>;
  /** Waits until nothing is under way: no call, no record, no work of the provider. */
  settle(proxies: readonly AnyProxy[]): Promise<void>;
}

/** A proxy, which may be at an address of its own. */
export type AnyProxy = ProxyProcess & { readonly host?: string };

/** A proxy with a volume of its own. */
export interface OwnProxy extends ProxyProcess {
  readonly dataDirectory: string;
}

/** In the provider's key, so that it can be looked for. */
export const secretKey = 'sk-planted-4e1bd07c66f2a95803';

/** So many calls may a user make whose name begins with `limited`. */
export const limitedCalls = 3;

/** Rules that count every call and let all of them pass, and some that do not. */
const spec = {
  providers: [{ name: 'openai', type: 'openai', timeouts: { headers: '3s', idle: '2s' } }],
  limits: [
    {
      name: 'all',
      requests: { count: 1_000_000_000, window: '8784h' },
      tokens: { count: 100_000_000_000, window: '8784h' },
    },
    { name: 'places', concurrent: 1_000 },
    {
      ...{ name: 'few', per: 'User', match: { users: ['limited-*'] }, whenUnavailable: 'Deny' },
      requests: { count: limitedCalls, window: '8784h' },
    },
  ],
  budgets: [{ name: 'spend', amountUsd: '1000000', window: 'Total', unpriced: 'Allow' }],
  guardrails: [{ name: 'forbidden', appliesTo: 'Input', action: 'Block', words: { words: ['forbidden-word'] } }],
  cache: { scope: 'Organization', match: { operations: ['embeddings'] } },
};

/** @param plant edits the directory of YAML before anything reads it */
export async function startInstallation(
  scope: Scope,
  plant: (directory: string) => Promise<void> = async () => {},
): Promise<Installation> {
  const upstream = await startUpstream(scope);
  const upstreamRelay = await startRelay(scope, upstream.port);
  const traces: string[] = [];
  const directory = await makeDirectory(scope);
  const logs: string[] = [];
  const collector = await startCollector(scope, traces);
  let databaseRelay: TcpRelay | undefined;
  let superuserUrl = '';
  const stack = await startStack(scope, {
    ownProcess: true,
    upstreamUrl: `http://127.0.0.1:${upstreamRelay.port}/v1`,
    async prepare(directory) {
      await prepare(directory, collector);
      await plant(directory);
    },
    async pool(postgres) {
      superuserUrl = postgres.superuserUrl;
      databaseRelay = await startRelay(scope, postgres.port);
      return viaPort(postgres.url, databaseRelay.port);
    },
  });
  if (!databaseRelay) throw new Error('The stack asked for no pooler');

  const withDatabase: Installation['withDatabase'] = async (use) => {
    const client = new Client({ connectionString: superuserUrl });
    client.on('error', () => {});
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  };
  const { volume: dataDirectory } = stack;
  const volumes = [dataDirectory];
  return {
    ...{
      dataDirectory,
      stack,
      upstream,
      databaseRelay,
      upstreamRelay,
      superuserUrl,
      traces,
      logs,
      volumes,
      withDatabase,
    },
    query: (sql, values) => withDatabase(async (client) => (await client.query(sql, [...(values ?? [])])).rows),
    async startProxy(within, options = {}) {
      const dataDirectory = options.dataDirectory ?? join(directory, `data-${logs.length}`);
      const log = join(directory, `log-${logs.length}`);
      logs.push(log);
      volumes.push(dataDirectory);
      const { credentialsDirectory, upstreamUrl } = stack;
      const proxy = await startProxy(within, {
        ...{ credentialsDirectory, upstreamUrl, logFile: openSync(log, 'a') },
        ...options,
        dataDirectory,
      });
      return { ...proxy, dataDirectory };
    },
    async settle(proxies) {
      await until(() => upstream.running() === 0, 'the provider to be done', 120_000);
      for (const proxy of proxies) await until(() => isQuiet(proxy), 'every record to be copied', 120_000);
      await until(
        () =>
          withDatabase(async (client) => {
            const { rows } = await client.query(
              'select count(*)::int as pending from chaperone.pending_calls where settled_at is null',
            );
            return rows[0].pending === 0;
          }),
        'the work of the provider to be settled',
        120_000,
      );
      for (const proxy of proxies) await until(() => isQuiet(proxy), 'every record to be copied', 120_000);
    },
  };
}

/** Whether a proxy has no call and no record. A proxy that is being started again is not quiet. */
async function isQuiet({ metricsPort, host = '127.0.0.1' }: AnyProxy): Promise<boolean> {
  try {
    const text = await (await fetch(`http://${host}:${metricsPort}/metrics`)).text();
    return ['chaperone_active_calls', 'chaperone_spool_depth'].every((name) => metricOf(text, name) === 0);
  } catch {
    return false;
  }
}

/** The sum of a metric's series. */
export function metricOf(text: string, name: string): number {
  const lines = text.split('\n').filter((line) => /^\w+/.exec(line)?.[0] === name);
  return lines.length === 0 ? Number.NaN : lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function prepare(directory: string, collector: string): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  document.deleteIn(['spec', 'models']);
  const traces = { endpoint: collector, samplingPercentage: 100 };
  for (const [field, value] of Object.entries({ ...spec, traces })) {
    document.setIn(['spec', field], document.createNode(value));
  }
  await replaceFile(file, document.toString());
  const secret = join(directory, 'local', 'openai-secret.yaml');
  await replaceFile(secret, (await readFile(secret, 'utf8')).replaceAll(/\$\{OPENAI_API_KEY[^}]*\}/g, secretKey));
}

/** Takes spans, and keeps them as they came. */
async function startCollector(scope: Scope, traces: string[]): Promise<string> {
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    traces.push(String(Buffer.concat(chunks)));
    reply.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, async () => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
