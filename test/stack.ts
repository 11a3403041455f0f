import { openSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';

import { parse, parseDocument } from 'yaml';
import type { EmbeddedPostgres } from '../cli/embedded-postgres.ts';
import { type ProxyProcess, startProxyProcess } from '../cli/local/proxies.ts';
import { statePaths } from '../cli/local/state.ts';
import { signToken, type TokenOptions } from '../cli/token.ts';
import { makeAuditMetrics } from '../operator/audit/metrics.ts';
import type { Cluster } from '../operator/cluster/cluster.ts';
import { makeDirectoryCluster } from '../operator/cluster/directory.ts';
import { credentialsSecretName, operatorNamespace } from '../operator/credentials.ts';
import { makeRuleMetrics } from '../operator/limits/metrics.ts';
import { startOperator } from '../operator/operator.ts';
import { makeRuntimeMetrics } from '../operator/runtime/metrics.ts';
import { makeBuildMetric, makeDatabaseMetric, makeResourceMetrics } from '../operator/runtime/resource-metrics.ts';
import type { TextRegistry } from '../operator/runtime/text-registry.ts';
import { startSandbox } from '../sandbox/server.ts';
import { copyQuickstart, makeDirectory, replaceFile } from './directories.ts';
import { program } from './program.ts';
import { type ProxyHereOptions, startProxyHere, type TestProxy } from './proxy-here.ts';
import { atEnd, type Scope } from './scope.ts';
import { cloneDatabase, startOwnDatabase } from './stack-database.ts';

/** The parts of `chaperone up`, each under the test's control. */
export interface Stack<Proxy extends TestProxy = TestProxy> {
  /** The database can be stopped and started, on the same port. */
  readonly database: { readonly url: string; stop(): Promise<void>; start(): Promise<void> };
  readonly proxy: Proxy;
  readonly baseUrl: string;
  readonly token: string;
  /** Signs another token of the organization. */
  sign(options: Pick<TokenOptions, 'user' | 'roles'>): Promise<string>;
  /** The sandbox's URL. `/sandbox/calls` shows what it billed. */
  readonly upstreamUrl: string;
  /** What the operator keeps: objects, statuses, Events, Secrets. */
  readonly stateDirectory: string;
  /** The volume of the proxy. */
  readonly volume: string;
  /** Directory of the organization's mounted Secret. */
  readonly credentialsDirectory: string;
  /** What the operator hands out to workers. */
  readonly workerCredentials: string;
  /** The proxy's log so far. */
  readonly log: () => string;
  /** The operator's Events so far, one JSON object a line. */
  readonly events: () => string;
  /** What a condition of the Organization says now. Undefined: there is none of this type. */
  readonly condition: (type: string) => { readonly status: string; readonly reason: string } | undefined;
  /** The directory of the YAML, for edits. */
  readonly directory: string;
}

export interface StackOptions {
  /** The Organization's `spec.authentication`, instead of the quickstart's. */
  readonly authentication?: object;
  readonly upstreamUrl?: string;
  /** Edits the copy of the quickstart before anything reads it. */
  readonly prepare?: (directory: string) => Promise<void>;
  /** Runs the proxy in its own process, from the program of the run, for tests of the process or of the program. */
  readonly ownProcess?: boolean;
  /** Environment of the proxy's process, added to that of `chaperone up`. It gets one of its own. */
  readonly environment?: NodeJS.ProcessEnv;
  /** For tests that stop the database. Others share the run's server. */
  readonly ownDatabase?: boolean;
  /** Gets the operator's metrics, as in a cluster. */
  readonly operatorMetrics?: TextRegistry;
  /** How often the operator reads what is used of limits and budgets, and writes statuses at most. */
  readonly rulesMs?: { readonly period: number; readonly write: number };
  /** Additional options of the proxy's command. It gets a process of its own. */
  readonly proxyArguments?: readonly string[];
  /** Puts a pooler between the proxy and the database. @returns the database URL for the proxy */
  readonly pool?: (postgres: Pick<EmbeddedPostgres, 'port' | 'superuserUrl' | 'url'>) => Promise<string>;
}

/** The options of a stack whose proxy can be killed. */
export type ProcessStackOptions = StackOptions & { readonly ownProcess: true };

/** Starts a database, an operator over the quickstart, a sandbox (or uses another upstream), and one proxy. */
export function startStack(scope: Scope, options: ProcessStackOptions): Promise<Stack<ProxyProcess>>;
export function startStack(scope: Scope, options?: StackOptions): Promise<Stack>;
export async function startStack(scope: Scope, options: StackOptions = {}): Promise<Stack> {
  const data = await makeDirectory(scope);
  const directory = await copyQuickstart(scope);
  if (options.authentication) await stateAuthentication(directory, options.authentication);
  await options.prepare?.(directory);
  const releasers: (() => Promise<unknown>)[] = [];
  atEnd(scope, async () => {
    for (const release of releasers.reverse()) await release();
  });
  const paths = statePaths(data);
  await mkdir(paths.root, { recursive: true });
  const log = pino({ level: 'warn' }, pino.destination(paths.log));

  const database = options.ownDatabase || options.pool ? await startOwnDatabase(paths.postgres) : await cloneDatabase();
  releasers.push(database.release);
  const upstreamUrl = options.upstreamUrl ?? (await startUpstream(releasers));
  const cluster = makeDirectoryCluster({
    directory,
    stateDirectory: paths.state,
    environment: {},
    onProblem: () => {},
  });
  await cluster.start();
  releasers.push(() => cluster.close());
  const proxyDatabaseUrl =
    (await options.pool?.({ ...database, port: Number(new URL(database.url).port) })) ?? database.url;
  const operator = await startOperator({
    cluster,
    databaseUrl: database.url,
    proxyDatabaseUrl,
    isOneMachine: true,
    log,
    ...(options.rulesMs && { rulesMs: options.rulesMs }),
    ...(options.operatorMetrics && metricsOf(options.operatorMetrics, cluster)),
  });
  if (options.operatorMetrics) makeDatabaseMetric(options.operatorMetrics, operator.canUseDatabase);
  releasers.push(operator.stop);
  await operator.idle();
  const credentialsDirectory = join(paths.secrets, operatorNamespace, credentialsSecretName('acme'));
  const proxy = await startStackProxy(options, {
    credentialsDirectory,
    dataDirectory: paths.proxy('acme'),
    upstreamUrl,
    logPath: paths.log,
  });
  releasers.push(() => proxy.stop(4_000));

  return {
    database,
    proxy,
    baseUrl: `http://127.0.0.1:${proxy.port}/v1`,
    token: await signToken({ organization: 'acme', data }),
    sign: (claims) => signToken({ organization: 'acme', data, ...claims }),
    upstreamUrl,
    stateDirectory: paths.state,
    volume: paths.proxy('acme'),
    credentialsDirectory,
    workerCredentials: paths.workerCredentials,
    log: () => readFileSync(paths.log, 'utf8'),
    events: () => readFileSync(join(paths.state, 'events.jsonl'), 'utf8'),
    condition: (type) => {
      const text = readFileSync(join(paths.state, 'status', 'Organization', 'acme.yaml'), 'utf8');
      const { conditions }: { conditions: { type: string; status: string; reason: string }[] } = parse(text);
      return conditions.find((condition) => condition.type === type);
    },
    directory,
  };
}

function startStackProxy(options: StackOptions, { logPath, ...places }: ProxyHereOptions): Promise<TestProxy> {
  const { ownProcess, environment, proxyArguments } = options;
  if (!ownProcess && !environment && !proxyArguments) return startProxyHere({ ...places, logPath });
  return startProxyProcess({
    ...places,
    organization: 'acme',
    entry: program(),
    port: 0,
    metricsPort: 0,
    logFile: openSync(logPath, 'a'),
    onRestart: () => {},
    ...(proxyArguments && { arguments: proxyArguments }),
    ...(environment && { environment }),
  });
}

function metricsOf(registry: TextRegistry, cluster: Pick<Cluster, 'list'>) {
  makeBuildMetric(registry, 'test');
  makeResourceMetrics(registry, cluster);
  return {
    metrics: makeRuntimeMetrics(registry),
    ruleMetrics: makeRuleMetrics(registry),
    auditMetrics: makeAuditMetrics(registry),
  };
}

/** Replaces `spec.authentication` of the Organization in the directory. */
export async function stateAuthentication(directory: string, authentication: object): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  document.setIn(['spec', 'authentication'], authentication);
  await replaceFile(file, document.toString());
}

async function startUpstream(releasers: (() => Promise<unknown>)[]): Promise<string> {
  const sandbox = await startSandbox();
  releasers.push(sandbox.close);
  return sandbox.url;
}
