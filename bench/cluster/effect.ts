import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import { type BenchmarkContext, type Figures, round } from '../benchmark.ts';
import { bindingOf, type Counts, create, createObjects, organizationName, persona, selected } from './objects.ts';
import { type LineReader, namespaces, type PodCluster, untilReady } from './pods.ts';
import { watchReadiness } from './readiness.ts';
import { untilTrue } from './wait.ts';

/** An observation of the pod. */
interface Observation {
  /** Milliseconds since 1970, by the same clock. */
  readonly atMs: number;
  readonly status: number;
  readonly text: string;
}

/**
 * Measures the time from the API server's answer to a change until a pod that calls continuously sees its effect: an
 * edited Persona, a revoked key, and a namespace that leaves the organization. Each is repeated, one after another, and
 * only when the operator is done with the one before.
 */
export async function measureEffect(
  cluster: PodCluster,
  counts: Counts,
  changes: number,
  context: BenchmarkContext,
): Promise<Figures> {
  const { client, change } = cluster;
  await prepare(cluster, counts, context);
  const editedId = await untilReady(client, 'Persona', namespaces.app, 'edited');
  const movingId = await untilReady(client, 'Persona', namespaces.moving, 'moving');
  const edited = objectPath({ kind: 'Persona', namespace: namespaces.app, name: 'edited' });
  const key = objectPath({ kind: 'ApiKeyBinding', namespace: namespaces.app, name: 'revoked' });
  const isServed = ({ status }: Observation) => status === 200;

  const edits = await watching(cluster, 'edits', editedId, async (lines) => {
    await lines.next(isServed);
    return times(changes, async (number) => {
      const edition = `edition ${number}.`;
      const atMs = await change(edited, { spec: { content: `Be brief, ${edition}` } });
      const seen = await lines.next<Observation>(({ text }) => text.includes(edition));
      await untilReady(client, 'Persona', namespaces.app, 'edited');
      return seen.atMs - atMs;
    });
  });
  const revocations = await watching(cluster, 'revocations', undefined, async (lines) => {
    await lines.next(isServed);
    return times(changes, async () => {
      const atMs = await change(key, { spec: { active: false } });
      const seen = await lines.next<Observation>(({ status }) => status === 401);
      await change(key, { spec: { active: true } });
      await lines.next(isServed);
      await untilReady(client, 'ApiKeyBinding', namespaces.app, 'revoked');
      return seen.atMs - atMs;
    });
  });
  const namespace = `/api/v1/namespaces/${namespaces.moving}`;
  const departures = await watching(cluster, 'departures', movingId, async (lines) => {
    await lines.next(isServed);
    return times(changes, async () => {
      const labels = Object.fromEntries(Object.keys(selected).map((label) => [label, null]));
      const atMs = await change(namespace, { metadata: { labels } });
      const seen = await lines.next<Observation>(({ status }) => status === 404);
      await change(namespace, { metadata: { labels: selected } });
      await lines.next(isServed);
      await untilReady(client, 'Persona', namespaces.moving, 'moving');
      return seen.atMs - atMs;
    });
  });
  return {
    ...percentiles('effect_of_edit', edits),
    ...percentiles('effect_of_revocation', revocations),
    ...percentiles('effect_of_departure', departures),
  };
}

async function prepare({ client }: PodCluster, counts: Counts, context: BenchmarkContext): Promise<void> {
  const secret = { kind: 'Secret', name: 'openai', body: { stringData: { key: 'sk-bench' } } } as const;
  await create(client, namespaces.app, secret);
  await create(client, namespaces.app, { kind: 'ApiKeyBinding', name: 'revoked', body: bindingOf(undefined) });
  await create(client, namespaces.app, { kind: 'Persona', name: 'edited', body: persona('Edited') });
  await create(client, namespaces.moving, { kind: 'Persona', name: 'moving', body: persona('Moving') });
  await createObjects(client, [{ organization: organizationName, namespace: namespaces.load }], counts);
  const personas = await watchReadiness(client, 'Persona', context, namespaces.load);
  const bindings = await watchReadiness(client, 'ApiKeyBinding', context, namespaces.load);
  const areReady = () => personas.count() === counts.personas && bindings.count() === counts.bindings;
  await untilTrue(areReady, 'all objects to be Ready');
  await untilReady(client, 'ApiKeyBinding', namespaces.app, 'revoked');
}

/** Makes a governed pod call continuously. @param personaId the persona of the calls, if any */
async function watching<T>(
  cluster: PodCluster,
  name: string,
  personaId: string | undefined,
  run: (lines: LineReader) => Promise<T>,
): Promise<T> {
  await cluster.createPod(name, {
    command: ['node', '/bench/poll.mjs'],
    environment: personaId === undefined ? {} : { PERSONA_ID: personaId },
    isGoverned: true,
  });
  const lines = await cluster.follow(name);
  try {
    return await run(lines);
  } finally {
    await lines.stop();
    await cluster.removePod(name);
  }
}

/**
 * Measures the time from the API server's answer to the creation of a pod until its application runs, alternately with
 * and without the sidecar.
 */
export async function measurePodStart(cluster: PodCluster, pairs: number): Promise<Figures> {
  const start = async (isGoverned: boolean, number: number) => {
    const name = `start-${isGoverned ? 'governed' : 'plain'}-${number}`;
    const command = ['node', '-e', 'console.log(JSON.stringify({ atMs: Date.now() })); setInterval(() => {}, 1 << 30)'];
    const createdAtMs = await cluster.createPod(name, { command, isGoverned });
    const lines = await cluster.follow(name);
    const { atMs } = await lines.next<{ readonly atMs: number }>(() => true);
    await lines.stop();
    await cluster.removePod(name);
    return atMs - createdAtMs;
  };
  const starts = await times(pairs, async (number) => {
    const first = await start(number % 2 === 0, number);
    const second = await start(number % 2 !== 0, number);
    return number % 2 === 0 ? { governedMs: first, plainMs: second } : { governedMs: second, plainMs: first };
  });
  return {
    pod_start_plain_p50_ms: percentile(
      starts.map(({ plainMs }) => plainMs),
      0.5,
    ),
    pod_start_governed_p50_ms: percentile(
      starts.map(({ governedMs }) => governedMs),
      0.5,
    ),
    pod_start_added_p50_ms: percentile(
      starts.map(({ governedMs, plainMs }) => governedMs - plainMs),
      0.5,
    ),
  };
}

export async function times<T>(count: number, run: (number: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let number = 1; number <= count; number += 1) results.push(await run(number));
  return results;
}

export function percentiles(name: string, valuesMs: readonly number[]): Figures {
  return { [`${name}_p50_ms`]: percentile(valuesMs, 0.5), [`${name}_p99_ms`]: percentile(valuesMs, 0.99) };
}

/** The percentile by nearest rank. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
}
