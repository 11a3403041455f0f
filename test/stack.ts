import { openSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { parseDocument } from 'yaml';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../cli/embedded-postgres.ts';
import { type ProxyProcess, startProxyProcess } from '../cli/local/proxies.ts';
import { statePaths } from '../cli/local/state.ts';
import { signToken, type TokenOptions } from '../cli/token.ts';
import { makeDirectoryCluster } from '../operator/cluster/directory.ts';
import { credentialsSecretName, operatorNamespace } from '../operator/credentials.ts';
import { startOperator } from '../operator/operator.ts';
import { startSandbox } from '../sandbox/server.ts';
import { dropOrganizationRoles } from './database/tenant.ts';
import { layDatabase, makeTestDatabase } from './database.ts';
import { freePort } from './free-port.ts';
import { program } from './program.ts';
import { atEnd, copyQuickstart, makeDirectory, replaceFile, type Scope } from './up/start-up.ts';

/** The parts of `chaperone up`, each in the test's own hands. */
export interface Stack {
  /** The database can be stopped and started, at the same port. */
  readonly database: { readonly url: string; stop(): Promise<void>; start(): Promise<void> };
  readonly proxy: ProxyProcess;
  readonly baseUrl: string;
  readonly token: string;
  /** Another token of the organization's. */
  sign(options: Pick<TokenOptions, 'user' | 'roles'>): Promise<string>;
  /** Of the sandbox; `/sandbox/calls` tells what it billed. */
  readonly upstreamUrl: string;
  /** The organization's Secret as the proxy has it mounted. */
  readonly credentialsDirectory: string;
  /** What the proxy has logged so far. */
  readonly log: () => string;
  /** With the YAML, for edits. */
  readonly directory: string;
}

export interface StackOptions {
  /** The Organization's `spec.authentication`, in place of the quickstart's. */
  readonly authentication?: object;
  readonly upstreamUrl?: string;
  /** Of the proxy's process, beside what `chaperone up` gives it. */
  readonly environment?: NodeJS.ProcessEnv;
  /** For tests that stop the database; the others share the run's server. */
  readonly ownDatabase?: boolean;
  /** More options of the proxy's command. */
  readonly proxyArguments?: readonly string[];
  /** Puts something between the proxy and the database. @returns the database's URL as the proxy reaches it */
  readonly pool?: (postgres: Pick<EmbeddedPostgres, 'port' | 'superuserUrl' | 'url'>) => Promise<string>;
}

/** Starts a database, an operator over the quickstart, a sandbox (or uses another upstream), and one proxy process. */
export async function startStack(scope: Scope, options: StackOptions = {}): Promise<Stack> {
  const data = await makeDirectory(scope);
  const directory = await copyQuickstart(scope);
  if (options.authentication) await stateAuthentication(directory, options.authentication);
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
  });
  releasers.push(operator.stop);
  await operator.idle();
  const credentialsDirectory = join(paths.secrets, operatorNamespace, credentialsSecretName('acme'));
  const proxy = await startProxyProcess({
    organization: 'acme',
    entry: program(),
    credentialsDirectory,
    dataDirectory: paths.proxy('acme'),
    port: 0,
    metricsPort: 0,
    upstreamUrl,
    logFile: openSync(paths.log, 'a'),
    onRestart: () => {},
    ...(options.proxyArguments && { arguments: options.proxyArguments }),
    ...(options.environment && { environment: options.environment }),
  });
  releasers.push(() => proxy.stop(4_000));

  return {
    database,
    proxy,
    baseUrl: `http://127.0.0.1:${proxy.port}/v1`,
    token: await signToken({ organization: 'acme', data }),
    sign: (claims) => signToken({ organization: 'acme', data, ...claims }),
    upstreamUrl,
    credentialsDirectory,
    log: () => readFileSync(paths.log, 'utf8'),
    directory,
  };
}

/** Replaces what the Organization in the directory says of authentication. */
export async function stateAuthentication(directory: string, authentication: object): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  document.setIn(['spec', 'authentication'], authentication);
  await replaceFile(file, document.toString());
}

interface StackDatabase {
  readonly url: string;
  readonly superuserUrl: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  release(): Promise<void>;
}

async function startOwnDatabase(directory: string): Promise<StackDatabase> {
  await layDatabase(directory);
  const port = await freePort();
  let postgres: EmbeddedPostgres = await startEmbeddedPostgres({ directory, port });
  const { url, superuserUrl } = postgres;
  return {
    url,
    superuserUrl,
    stop: () => postgres.stop(),
    async start() {
      postgres = await startEmbeddedPostgres({ directory, port });
    },
    release: () => postgres.stop(),
  };
}

async function cloneDatabase(): Promise<StackDatabase> {
  const { url, superuserUrl = url, close } = await makeTestDatabase();
  const refuse = async () => {
    throw new Error('This database is shared with other tests: ask for a stack with ownDatabase');
  };
  const release = async () => {
    const owner = new Client({ connectionString: url });
    await owner.connect();
    await dropOrganizationRoles(owner);
    await owner.end();
    await close();
  };
  return { url, superuserUrl, stop: refuse, start: refuse, release };
}

async function startUpstream(releasers: (() => Promise<unknown>)[]): Promise<string> {
  const sandbox = await startSandbox();
  releasers.push(sandbox.close);
  return sandbox.url;
}
