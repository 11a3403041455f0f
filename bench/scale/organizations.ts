import { join } from 'node:path';
import { Client } from 'pg';
import { proxyNodeOptions } from '../../cli/local/kept-process.ts';
import { migrate } from '../../database/migrate.ts';
import { restorePrivileges } from '../../database/privileges.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import { credentialsSecretName, workerSecretName } from '../../operator/credentials.ts';
import { build } from '../../scripts/build.ts';
import { type Result, round } from '../benchmark.ts';
import { nextMessage, startNode, stopChild } from '../child.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import { startDatabase } from '../cluster/database.ts';
import { type Stage, startOperator } from '../cluster/load.ts';
import { createOrganizations, type Place } from '../cluster/objects.ts';
import { operatorNamespace } from '../cluster/operator-process.ts';
import { watchReadiness } from '../cluster/readiness.ts';
import { untilTrue } from '../cluster/wait.ts';
import { measureUpgrade } from './organizations/upgrade.ts';
import type { PartContext } from './part.ts';
import { writeSecret } from './secret-files.ts';

const program = join(import.meta.dirname, '..', '..', 'dist', 'chaperone.js');
/** As many as an operator makes by default (operator.ts). */
const workerSecrets = 16;

/** Measures the start of every part with very many Organizations. */
export async function measureOrganizations(context: PartContext): Promise<Result> {
  const { count, directory, note } = context;
  note('Building, and starting etcd, an API server and PostgreSQL ...');
  await build();
  const controlPlane = await startControlPlane(directory, context);
  const database = await startDatabase(directory, context);
  const stage: Stage = { directory, controlPlane, database, profileDirectory: undefined };
  const { client } = controlPlane;
  await client.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: operatorNamespace } } });
  const operator = await startOperator(stage, context);
  const ready = await watchReadiness(client, 'Organization', context);
  note(`Creating ${count} Organizations, each with a namespace ...`);
  const startedAtMs = performance.now();
  const places = await createOrganizations(client, count);
  await untilTrue(() => ready.count() === count, 'every Organization to be Ready');
  const readyMs = performance.now() - startedAtMs;
  await untilTrue(() => operator.isSteady({ organization: count }), 'the operator to be steady');
  const memoryBytes = await operator.readPeakMemoryBytes();
  await operator.stop();

  note('Restarting the operator ...');
  const successor = await startOperator(stage, context);
  await untilTrue(() => successor.isSteady({ organization: count }), 'the restarted operator to be steady');
  const steadyMs = performance.now() - successor.startedAtMs;
  const restartedBytes = await successor.readPeakMemoryBytes();
  note('Starting a proxy and a worker, and migrating ...');
  const started = await measureStarts(client, places, context);
  await successor.stop();
  return {
    figures: {
      organizations: count,
      organizations_ready_s: round(readyMs / 1_000),
      organizations_operator_mb: Math.round(memoryBytes / 1e6),
      organizations_restart_steady_s: round(steadyMs / 1_000),
      organizations_restart_mb: Math.round(restartedBytes / 1e6),
      roles: await countRoles(database.url),
      ...started,
      ...(await measureMigrations(database.url)),
      ...(await measureUpgrade(database.superuserUrl, count)),
    },
    reach: { roles: { min: count } },
    summary: `${count} Organizations, each with a namespace and a login of its own.`,
  };
}

async function measureStarts(client: ApiClient, places: readonly Place[], context: PartContext) {
  const { directory } = context;
  const credentials = join(directory, 'credentials');
  const [place] = places;
  if (!place) throw new Error('There is no Organization');
  await writeSecret(
    client,
    { namespace: operatorNamespace, name: credentialsSecretName(place.organization) },
    credentials,
  );
  const workerCredentials = join(directory, 'worker-credentials');
  for (let number = 0; number < workerSecrets; number += 1) {
    await writeSecret(client, { namespace: operatorNamespace, name: workerSecretName(number) }, workerCredentials);
  }
  const data = (name: string) => [
    '--data',
    join(directory, name),
    '--metrics-host',
    '127.0.0.1',
    '--metrics-port',
    '0',
  ];
  return {
    proxy_start_s: await measureStart(
      ['proxy', '--credentials', credentials, ...data('proxy'), '--port', '0'],
      context,
    ),
    worker_start_s: await measureStart(['worker', '--credentials', workerCredentials, ...data('worker')], context),
  };
}

/** @returns the seconds from exec until the program tells that it is ready */
async function measureStart(args: readonly string[], { onEnd }: PartContext): Promise<number> {
  const startedAtMs = performance.now();
  const child = startNode(program, [...args, '--log-level', 'warn'], proxyNodeOptions);
  onEnd(() => stopChild(child));
  const { type, message } = await nextMessage<{ type: string; message?: string }>(child);
  if (type !== 'ready') throw new Error(`${args[0]} cannot start: ${message}`);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  await stopChild(child);
  return round(seconds);
}

async function countRoles(databaseUrl: string): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::integer as count from pg_roles r join chaperone.organization_roles o on o.role_name = r.rolname`,
    );
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

/** What every start of an operator does, where nothing is new. */
async function measureMigrations(databaseUrl: string) {
  const migratedAtMs = performance.now();
  await migrate(databaseUrl);
  const migratedMs = performance.now() - migratedAtMs;
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const restoredAtMs = performance.now();
  await restorePrivileges(client);
  const restoredMs = performance.now() - restoredAtMs;
  await client.end();
  return { migrate_nothing_ms: round(migratedMs), restore_privileges_ms: round(restoredMs) };
}
