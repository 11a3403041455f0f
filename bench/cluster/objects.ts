import type { Kind } from '../../operator/cluster/cluster.ts';
import { apiVersionOf, namespacedPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import { untilTrue } from './wait.ts';

/** The numbers of objects. */
export interface Counts {
  readonly personas: number;
  readonly bindings: number;
}

/** An Organization and a namespace of its objects. */
export interface Place {
  readonly organization: string;
  readonly namespace: string;
}

export const organizationName = 'bench';
/** The label of an Organization's namespaces. */
export const labelsOf = (organization: string) => ({ 'chaperone.dev/bench': organization });
export const selected = labelsOf(organizationName);

export interface Statement {
  readonly kind: Kind;
  readonly name: string;
  readonly body: object;
}

/**
 * Creates an Organization, with an existing namespace.
 *
 * @param others namespaces besides it that may bind keys for users
 */
export async function createOrganization(
  client: ApiClient,
  { organization, namespace }: Place,
  others: readonly string[] = [],
): Promise<void> {
  await client.send({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { labels: labelsOf(organization) } },
  });
  await create(client, namespace, { kind: 'Secret', name: 'openai', body: { stringData: { key: 'sk-bench' } } });
  await create(client, '', {
    kind: 'Organization',
    name: organization,
    body: organizationOf(organization, [namespace, ...others]),
  });
}

/** Creates so many namespaces, each with an Organization of its own. @returns them */
export async function createOrganizations(client: ApiClient, count: number): Promise<Place[]> {
  const places = Array.from({ length: count }, (_, index) => {
    const organization = `bench-${index + 1}`;
    return { organization, namespace: organization };
  });
  await atOnce(places, async (place) => {
    const metadata = { name: place.namespace };
    await client.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata } });
    await createOrganization(client, place);
  });
  return places;
}

/** Creates all objects at once, as far as the connections allow, in all places in turn. */
export async function createObjects(client: ApiClient, places: readonly Place[], counts: Counts): Promise<void> {
  await atOnce(listObjects(counts, places), ({ namespace, ...statement }) => create(client, namespace, statement));
}

async function atOnce<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) await run(next);
  };
  await Promise.all(Array.from({ length: connections }, work));
}

/** Deletes the objects of `createObjects`, and resolves when they are gone. */
export async function removeObjects(client: ApiClient, namespace: string): Promise<void> {
  for (const kind of ['Persona', 'ApiKeyBinding'] as const) {
    const path = namespacedPath(kind, namespace);
    await untilTrue(async () => {
      // In steps, since a busy API server would exceed the time limit of one answer.
      await client.send({ method: 'DELETE', path, query: { limit: '100' }, body: {} });
      const { items } = await client.send<{ items: unknown[] }>({ method: 'GET', path, query: { limit: '1' } });
      return items.length === 0;
    }, `every ${kind} to be gone`);
  }
}

/** The two kinds are mixed, so that neither waits for the other. */
function listObjects({ personas, bindings }: Counts, places: readonly Place[]): (Statement & Place)[] {
  const every = Math.max(1, Math.floor(personas / Math.max(1, bindings)));
  const statements: (Statement & Place)[] = [];
  const add = (index: number, kind: Kind, name: string, bodyOf: (organization: string) => object) => {
    const place = places[index % places.length];
    if (place) statements.push({ ...place, kind, name, body: bodyOf(place.organization) });
  };
  for (let index = 0; index < Math.max(personas, bindings * every); index += 1) {
    if (index < personas) {
      add(index, 'Persona', `persona-${index}`, (organization) => persona(`Persona ${index}`, organization));
    }
    const binding = index / every;
    if (Number.isInteger(binding) && binding < bindings) {
      const user = `user-${binding}@example.com`;
      add(binding, 'ApiKeyBinding', `binding-${binding}`, (organization) => bindingOf(user, organization));
    }
  }
  return statements;
}

const connections = 32;

const organizationOf = (name: string, sharing: readonly string[]) => ({
  spec: {
    namespaceSelector: { matchLabels: labelsOf(name) },
    sharing: sharing.map((namespace) => ({ namespace, users: ['*'] })),
    providers: [{ name: 'openai', type: 'openai' }],
    deletionPolicy: 'Delete',
  },
});

export function persona(name: string, organization = organizationName): object {
  return {
    spec: {
      organizationRef: { name: organization },
      name,
      description: 'One of many.',
      content: `You are ${name} of many. `.repeat(20),
    },
  };
}

/** @param user the only user that it serves; undefined: everyone */
export function bindingOf(user: string | undefined, organization = organizationName): object {
  return {
    spec: {
      organizationRef: { name: organization },
      provider: 'openai',
      secretKeyRef: { name: 'openai', key: 'key' },
      ...(user !== undefined && { user }),
    },
  };
}

/** @param namespace empty for a cluster-scoped kind */
export async function create(client: ApiClient, namespace: string, { kind, name, body }: Statement): Promise<void> {
  await client.send({
    method: 'POST',
    path: namespacedPath(kind, namespace),
    body: { apiVersion: apiVersionOf(kind), kind, metadata: { name }, ...body },
  });
}
