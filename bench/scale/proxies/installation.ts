import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { startEmbeddedPostgres } from '../../../cli/embedded-postgres.ts';
import { statePaths } from '../../../cli/local/state.ts';
import { signToken } from '../../../cli/token.ts';
import { makeDirectoryCluster } from '../../../operator/cluster/directory.ts';
import { credentialsSecretName, operatorNamespace } from '../../../operator/credentials.ts';
import { startOperator } from '../../../operator/operator.ts';
import { type PgBouncer, startPgBouncer } from '../../../test/pgbouncer.ts';
import type { PartContext } from '../part.ts';

/** How long a window of the limits is. What happens at its end is what happens at the top of an hour. */
export const windowMs = 60_000;
/** Different users of each organization. */
export const users = 4;
export const maxConnections = 100;

export interface MemberOrganization {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  /** The directory of the mounted Secret of its proxies. */
  readonly credentialsDirectory: string;
  /** Changes its Persona, as somebody who edits the file. */
  edit(text: string): Promise<void>;
}

/** An operator over the YAML of many organizations, one PostgreSQL, and a PgBouncer between it and the proxies. */
export interface SharedInstallation {
  readonly organizations: readonly MemberOrganization[];
  readonly databaseUrl: string;
  readonly superuserUrl: string;
  readonly postgresPid: number;
  readonly pooler: PgBouncer;
  /** How long it took until all organizations were in the database. */
  readonly reconciledMs: number;
}

/** As docs/kubernetes.md states it for many proxies. */
const poolerSettings = { max_client_conn: '5000', default_pool_size: '1', max_db_connections: '70' };

export async function startShared(
  organizationCount: number,
  poolMode: 'transaction' | 'session',
  context: PartContext,
): Promise<SharedInstallation> {
  const { directory, onEnd } = context;
  const paths = statePaths(directory);
  const resources = join(directory, 'resources');
  await mkdir(resources, { recursive: true });
  const names = Array.from({ length: organizationCount }, (_, index) => `org-${index + 1}`);
  for (const name of names) await writeFile(fileOf(resources, name), manifestOf(name, 'Be brief.'));
  const postgres = await startEmbeddedPostgres({
    directory: paths.postgres,
    settings: {
      ...{ shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track_planning': 'on' },
      max_connections: String(maxConnections),
    },
  });
  onEnd(() => postgres.stop());
  const { port: databasePort, superuserUrl } = postgres;
  const scope = { after: (release: () => unknown) => onEnd(async () => release()) };
  const pooler = await startPgBouncer(scope, {
    ...{ poolMode, databasePort, superuserUrl },
    settings: poolerSettings,
  });
  const pooled = new URL(postgres.url);
  pooled.port = String(pooler.port);
  const reconciledMs = await operate(resources, paths.state, postgres.url, pooled.href, context);
  return {
    organizations: await Promise.all(names.map((name) => memberOf(name, resources, directory))),
    databaseUrl: postgres.url,
    superuserUrl,
    postgresPid: postgres.pid,
    pooler,
    reconciledMs,
  };
}

/** @returns how long it took until all was reconciled */
async function operate(
  directory: string,
  stateDirectory: string,
  databaseUrl: string,
  proxyDatabaseUrl: string,
  { onEnd, note }: PartContext,
): Promise<number> {
  const startedAtMs = performance.now();
  const cluster = makeDirectoryCluster({
    ...{ directory, stateDirectory, environment: {} },
    onProblem: (problem) => note(JSON.stringify(problem)),
  });
  await cluster.start();
  onEnd(() => cluster.close());
  const log = pino({ level: 'warn' }, pino.destination(2));
  const operator = await startOperator({ cluster, databaseUrl, proxyDatabaseUrl, isOneMachine: true, log });
  onEnd(() => operator.stop());
  await operator.idle();
  return performance.now() - startedAtMs;
}

async function memberOf(name: string, resources: string, data: string): Promise<MemberOrganization> {
  const credentialsDirectory = join(statePaths(data).secrets, operatorNamespace, credentialsSecretName(name));
  const { id }: { id: string } = JSON.parse(await readFile(join(credentialsDirectory, 'organization.json'), 'utf8'));
  return {
    ...{ id, name, credentialsDirectory },
    token: await signToken({ organization: name, data }),
    async edit(text) {
      const file = fileOf(resources, name);
      await writeFile(`${file}~`, manifestOf(name, text));
      await rename(`${file}~`, file);
    },
  };
}

const fileOf = (directory: string, name: string) => join(directory, `${name}.yaml`);

function manifestOf(name: string, text: string): string {
  const namespace = `team-${name}`;
  const apiVersion = 'chaperone.dev/v1alpha1';
  const organizationRef = { name };
  const window = `${windowMs / 1_000}s`;
  const objects = [
    {
      ...{ apiVersion, kind: 'Organization', metadata: { name } },
      spec: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        authentication: { defaultRoles: ['admin'] },
        sharing: [{ namespace, users: ['*'] }],
        providers: [{ name: 'openai', type: 'openai' }],
        limits: [
          { name: 'all', requests: { count: 1_000_000, window } },
          { name: 'each-user', per: 'User', requests: { count: 100_000, window } },
        ],
      },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'openai', namespace } },
      stringData: { key: 'sk-bench' },
    },
    {
      ...{ apiVersion, kind: 'ApiKeyBinding', metadata: { name: 'openai', namespace } },
      spec: { organizationRef, provider: 'openai', secretKeyRef: { name: 'openai', key: 'key' } },
    },
    {
      ...{ apiVersion, kind: 'Persona', metadata: { name: 'edited', namespace } },
      spec: { organizationRef, name: 'Edited', content: text },
    },
  ];
  return objects.map((object) => stringify(object)).join('---\n');
}
