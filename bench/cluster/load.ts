import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import { type BenchmarkContext, type Figures, round } from '../benchmark.ts';
import { readFamilyCpuSeconds } from '../processor-time.ts';
import {
  countSince,
  countWrites,
  type RequestCounts,
  readCpuSeconds,
  readRequestCounts,
  sumOf,
} from './api-requests.ts';
import type { ControlPlane } from './control-plane.ts';
import type { CountingDatabase } from './database.ts';
import {
  type Counts,
  createObjects,
  createOrganization,
  createOrganizations,
  organizationName,
  type Place,
  removeObjects,
} from './objects.ts';
import { type OperatorProcess, operatorNamespace, startOperatorProcess } from './operator-process.ts';
import { places } from './places.ts';
import { type ReadinessWatch, watchReadiness } from './readiness.ts';
import { untilTrue } from './wait.ts';

/** The parts that the load runs on. */
export interface Stage {
  readonly directory: string;
  readonly controlPlane: ControlPlane;
  readonly database: CountingDatabase;
  readonly profileDirectory: string | undefined;
  /** Options of Node for the operator, in addition to those of the chart. Absent: none. */
  readonly nodeOptions?: readonly string[];
}

export interface Measured {
  readonly figures: Figures;
  /** The operator's requests. */
  readonly requests: RequestCounts;
}

/** The only Organization, where there is one. */
export const onlyPlace: Place = { organization: organizationName, namespace: 'default' };

/** So long that a slow machine has figures, too. */
const longestMs = 600_000;

/** The metrics of thousands of objects take a while, so they are not asked for all the time. */
const scrapeMs = 100;

/** Long enough for any remaining work of a steady operator. */
export const aftermathMs = 2_000;

/** Measures how fast the API server alone accepts the objects. They are deleted afterwards. */
export async function measureApiServer({ controlPlane }: Stage, counts: Counts): Promise<Figures> {
  const { client } = controlPlane;
  const namespace = 'unobserved';
  await client.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } });
  const startedAtMs = performance.now();
  await createObjects(client, [{ ...onlyPlace, namespace }], counts);
  const tookMs = performance.now() - startedAtMs;
  await removeObjects(client, namespace);
  return { api_server_alone_s: round(tookMs / 1_000) };
}

/**
 * Creates the objects at once while the operator runs, and waits until all are Ready.
 *
 * @param organizationCount over how many Organizations they are spread
 */
export async function measureLoad(
  stage: Stage,
  counts: Counts,
  context: BenchmarkContext,
  organizationCount = 1,
): Promise<Measured & { operator: OperatorProcess; places: readonly Place[] }> {
  const { client } = stage.controlPlane;
  const metadata = { name: operatorNamespace };
  await client.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata } });
  const operator = await startOperator(stage, context);
  const places = await createPlaces(client, organizationCount);
  const organizations = await watchReadiness(client, 'Organization', context);
  const personas = await watchReadiness(client, 'Persona', context);
  const bindings = await watchReadiness(client, 'ApiKeyBinding', context);
  await untilTrue(() => organizations.count() === places.length, 'every Organization to be Ready');
  await untilTrue(() => operator.isSteady({ organization: places.length }), 'the operator to be steady');

  const before = await readAll(stage, operator);
  const startedAtMs = performance.now();
  const creating = createObjects(client, places, counts).then(() => performance.now());
  const readyAtMs = await untilAllReady({ personas, bindings }, counts);
  const createdAtMs = await creating;
  await untilTrue(
    () => operator.isSteady({ persona: counts.personas, apikeybinding: counts.bindings }),
    'the operator to be steady',
    { pauseMs: scrapeMs },
  );
  await delay(aftermathMs);
  const after = await readAll(stage, operator);

  const requests = countSince(before.requests, after.requests, createdBy(counts));
  const objects = counts.personas + counts.bindings;
  return {
    operator,
    places,
    requests,
    figures: {
      created_s: round((createdAtMs - startedAtMs) / 1_000),
      all_ready_s: round((readyAtMs - startedAtMs) / 1_000),
      api_requests: sumOf(requests),
      api_writes: countWrites(requests),
      api_writes_to_objects_ratio: round(countWrites(requests) / objects),
      postgres_statements: after.statements - before.statements,
      postgres_statements_to_objects_ratio: round((after.statements - before.statements) / objects),
      postgres_cpu_s: round(after.postgresCpuSeconds - before.postgresCpuSeconds),
      operator_cpu_s: round(after.cpuSeconds - before.cpuSeconds),
      api_server_cpu_s: round(after.apiServerCpuSeconds - before.apiServerCpuSeconds),
      operator_memory_mb: Math.round((await operator.readPeakMemoryBytes()) / 1e6),
    },
  };
}

async function createPlaces(client: ApiClient, count: number): Promise<readonly Place[]> {
  if (count > 1) return createOrganizations(client, count);
  // Changes are made in the others, once the objects are there.
  await createOrganization(client, onlyPlace, Object.values(places));
  return [onlyPlace];
}

async function untilAllReady(
  watches: Readonly<Record<keyof Counts, ReadinessWatch>>,
  { personas, bindings }: Counts,
): Promise<number> {
  const areReady = () => watches.personas.count() === personas && watches.bindings.count() === bindings;
  await untilTrue(areReady, 'all objects to be Ready', { patienceMs: longestMs });
  return performance.now();
}

async function readAll({ controlPlane, database }: Stage, operator: OperatorProcess) {
  const metrics = await controlPlane.readMetrics();
  return {
    requests: readRequestCounts(metrics),
    apiServerCpuSeconds: readCpuSeconds(metrics),
    statements: await database.countStatements(),
    postgresCpuSeconds: await readFamilyCpuSeconds(database.pid),
    cpuSeconds: await operator.readCpuSeconds(),
  };
}

/** Restarts the operator with objects that it has already reconciled. */
export async function measureRestart(
  stage: Stage,
  counts: Counts,
  context: BenchmarkContext,
  organizationCount = 1,
): Promise<Measured & { operator: OperatorProcess }> {
  const { controlPlane, database } = stage;
  const before = {
    requests: readRequestCounts(await controlPlane.readMetrics()),
    statements: await database.countStatements(),
  };
  const operator = await startOperator(stage, context);
  await untilTrue(
    () =>
      operator.isSteady({
        ...{ organization: organizationCount, persona: counts.personas, apikeybinding: counts.bindings },
      }),
    'the restarted operator to be steady',
    { pauseMs: scrapeMs },
  );
  const steadyMs = performance.now() - operator.startedAtMs;
  await delay(aftermathMs);
  const requests = countSince(before.requests, readRequestCounts(await controlPlane.readMetrics()), new Map());
  const statements = (await database.countStatements()) - before.statements;
  const memoryBytes = await operator.readPeakMemoryBytes();
  return {
    operator,
    requests,
    figures: {
      restart_steady_s: round(steadyMs / 1_000),
      restart_api_writes: countWrites(requests),
      restart_postgres_statements: statements,
      restart_memory_mb: Math.round(memoryBytes / 1e6),
    },
  };
}

export function startOperator(
  { directory, controlPlane, database, profileDirectory, nodeOptions }: Stage,
  context: BenchmarkContext,
): Promise<OperatorProcess> {
  const { kubeConfigFile } = controlPlane;
  const options = { directory, kubeConfigFile, databaseUrl: database.url, profileDirectory, nodeOptions };
  return startOperatorProcess(options, context);
}

function createdBy({ personas, bindings }: Counts): RequestCounts {
  return new Map([
    ['POST personas', personas],
    ['POST apikeybindings', bindings],
  ]);
}
