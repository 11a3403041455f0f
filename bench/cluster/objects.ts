import type { Kind } from '../../operator/cluster/cluster.ts';
import { apiVersionOf, namespacedPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import { untilTrue } from './wait.ts';

/** The numbers of objects. */
export interface Counts {
  readonly personas: number;
  readonly bindings: number;
}

export const organizationName = 'bench';
/** The label of the Organization's namespaces. */
export const selected = { 'chaperone.dev/bench': 'true' };

export interface Statement {
  readonly kind: Kind;
  readonly name: string;
  readonly body: object;
}

/** Creates the Organization of all other objects, with an existing namespace. */
export async function createOrganization(client: ApiClient, namespace: string): Promise<void> {
  await client.send({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { labels: selected } },
  });
  await create(client, namespace, { kind: 'Secret', name: 'openai', body: { stringData: { key: 'sk-bench' } } });
  await create(client, '', { kind: 'Organization', name: organizationName, body: organization });
}

/** Creates all objects at once, as far as the connections allow. */
export async function createObjects(client: ApiClient, namespace: string, counts: Counts): Promise<void> {
  const left = [...listObjects(counts)];
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) await create(client, namespace, next);
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
function listObjects({ personas, bindings }: Counts): Statement[] {
  const every = Math.max(1, Math.floor(personas / Math.max(1, bindings)));
  const statements: Statement[] = [];
  for (let index = 0; index < Math.max(personas, bindings * every); index += 1) {
    if (index < personas)
      statements.push({ kind: 'Persona', name: `persona-${index}`, body: persona(`Persona ${index}`) });
    const binding = index / every;
    if (Number.isInteger(binding) && binding < bindings) {
      statements.push({
        kind: 'ApiKeyBinding',
        name: `binding-${binding}`,
        body: bindingOf(`user-${binding}@example.com`),
      });
    }
  }
  return statements;
}

const connections = 32;

const organization = {
  spec: {
    namespaceSelector: { matchLabels: selected },
    sharing: ['default', 'bench-load', 'bench-app'].map((namespace) => ({ namespace, users: ['*'] })),
    providers: [{ name: 'openai', type: 'openai' }],
    deletionPolicy: 'Delete',
  },
};

export function persona(name: string): object {
  return {
    spec: {
      organizationRef: { name: organizationName },
      name,
      description: 'One of many.',
      content: `You are ${name} of many. `.repeat(20),
    },
  };
}

/** @param user the only user that it serves; undefined: everyone */
export function bindingOf(user: string | undefined): object {
  return {
    spec: {
      organizationRef: { name: organizationName },
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
