import type { CustomKind } from '../../crds/definition.ts';
import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import type { BenchmarkContext, Figures } from '../benchmark.ts';
import type { LineReader } from './lines.ts';
import { bindingOf, type Counts, create, createObjects, organizationName, persona, selected } from './objects.ts';
import { percentile } from './percentile.ts';
import { places } from './places.ts';
import { watchReadiness } from './readiness.ts';
import { times } from './times.ts';
import { untilTrue } from './wait.ts';

/** The ApiKeyBinding whose key the calls have. */
export const revokedKey = 'revoked';

/** Where changes are made and seen. */
export interface EffectSite {
  readonly client: ApiClient;
  /** The namespace of the many objects, and whether they are there already. */
  readonly load: { readonly namespace: string; readonly isThere: boolean };
  /** Sends a JSON merge patch. @returns when the API server answered, in milliseconds since 1970 */
  change(path: string, patch: object): Promise<number>;
  /** Calls continuously, with a persona or none, and prints what comes. */
  watch(name: string, personaId: string | undefined): Promise<LineReader>;
}

/** Sends a JSON merge patch. @returns when the API server answered, in milliseconds since 1970 */
export async function change(client: ApiClient, path: string, body: object): Promise<number> {
  await client.send({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
  return Date.now();
}

/** What a call has shown. */
interface Observation {
  /** Milliseconds since 1970, by the same clock. */
  readonly atMs: number;
  readonly status: number;
  readonly text: string;
}

/**
 * Measures the time from the API server's answer to a change until calls that go on continuously show its effect: an
 * edited Persona, a revoked key, and a namespace that leaves the organization. Each is repeated, one after another, and
 * only when the operator is done with the one before.
 */
export async function measureEffect(
  site: EffectSite,
  counts: Counts,
  changes: number,
  context: BenchmarkContext,
): Promise<Figures> {
  const { client } = site;
  await prepare(site, counts, context);
  const editedId = await untilReady(client, 'Persona', places.app, 'edited');
  const movingId = await untilReady(client, 'Persona', places.moving, 'moving');
  const edited = objectPath({ kind: 'Persona', namespace: places.app, name: 'edited' });
  const key = objectPath({ kind: 'ApiKeyBinding', namespace: places.app, name: revokedKey });
  const isServed = ({ status }: Observation) => status === 200;

  const edits = await watching(site, 'edits', editedId, async (lines) => {
    await lines.next(isServed);
    return times(changes, async (number) => {
      const edition = `edition ${number}.`;
      const atMs = await site.change(edited, { spec: { content: `Be brief, ${edition}` } });
      const seen = await lines.next<Observation>(({ text }) => text.includes(edition));
      await untilReady(client, 'Persona', places.app, 'edited');
      return seen.atMs - atMs;
    });
  });
  const revocations = await watching(site, 'revocations', undefined, async (lines) => {
    await lines.next(isServed);
    return times(changes, async () => {
      const atMs = await site.change(key, { spec: { active: false } });
      const seen = await lines.next<Observation>(({ status }) => status === 403);
      await site.change(key, { spec: { active: true } });
      await lines.next(isServed);
      await untilReady(client, 'ApiKeyBinding', places.app, revokedKey);
      return seen.atMs - atMs;
    });
  });
  const namespace = `/api/v1/namespaces/${places.moving}`;
  const departures = await watching(site, 'departures', movingId, async (lines) => {
    await lines.next(isServed);
    return times(changes, async () => {
      const labels = Object.fromEntries(Object.keys(selected).map((label) => [label, null]));
      const atMs = await site.change(namespace, { metadata: { labels } });
      const seen = await lines.next<Observation>(({ status }) => status === 404);
      await site.change(namespace, { metadata: { labels: selected } });
      await lines.next(isServed);
      await untilReady(client, 'Persona', places.moving, 'moving');
      return seen.atMs - atMs;
    });
  });
  return {
    ...percentiles('effect_of_edit', edits),
    ...percentiles('effect_of_revocation', revocations),
    ...percentiles('effect_of_departure', departures),
  };
}

async function prepare({ client, load }: EffectSite, counts: Counts, context: BenchmarkContext): Promise<void> {
  const secret = { kind: 'Secret', name: 'openai', body: { stringData: { key: 'sk-bench' } } } as const;
  await create(client, places.app, secret);
  await create(client, places.app, { kind: 'ApiKeyBinding', name: revokedKey, body: bindingOf(undefined) });
  await create(client, places.app, { kind: 'Persona', name: 'edited', body: persona('Edited') });
  await create(client, places.moving, { kind: 'Persona', name: 'moving', body: persona('Moving') });
  if (!load.isThere) {
    await createObjects(client, [{ organization: organizationName, namespace: load.namespace }], counts);
    const personas = await watchReadiness(client, 'Persona', context, load.namespace);
    const bindings = await watchReadiness(client, 'ApiKeyBinding', context, load.namespace);
    const areReady = () => personas.count() === counts.personas && bindings.count() === counts.bindings;
    await untilTrue(areReady, 'all objects to be Ready');
  }
  await untilReady(client, 'ApiKeyBinding', places.app, revokedKey);
}

/** Calls continuously meanwhile. @param personaId the persona of the calls, if any */
async function watching<T>(
  site: EffectSite,
  name: string,
  personaId: string | undefined,
  run: (lines: LineReader) => Promise<T>,
): Promise<T> {
  const lines = await site.watch(name, personaId);
  try {
    return await run(lines);
  } finally {
    await lines.stop();
  }
}

export function percentiles(name: string, valuesMs: readonly number[]): Figures {
  return { [`${name}_p50_ms`]: percentile(valuesMs, 0.5), [`${name}_p99_ms`]: percentile(valuesMs, 0.99) };
}

/** Waits until an object's current generation is Ready and the operator is idle. @returns the id of its row */
export async function untilReady(
  client: ApiClient,
  kind: CustomKind,
  namespace: string,
  name: string,
): Promise<string> {
  let id: string | undefined;
  await untilTrue(async () => {
    const path = objectPath({ kind, namespace, name });
    const { metadata, status } = await client.send<Observed>({ method: 'GET', path });
    id = status?.id ?? '';
    if (status?.observedGeneration !== metadata.generation) return false;
    return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  }, `${kind} ${name} to be Ready`);
  return id ?? '';
}

interface Observed {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly id?: string;
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}
