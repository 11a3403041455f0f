import type { Kind } from '../../operator/cluster/cluster.ts';
import { apiVersionOf, collectionPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';

/** How many objects there are of the kinds that are many. */
export interface Counts {
  readonly personas: number;
  readonly bindings: number;
}

export const organizationName = 'bench';
const selected = { 'chaperone.dev/bench': 'true' };

interface Statement {
  readonly kind: Kind;
  readonly name: string;
  readonly body: object;
}

/** Creates what all the others belong to, in a namespace that is there. */
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

/** Creates all at once, as far as the connections reach. */
export async function createObjects(client: ApiClient, namespace: string, counts: Counts): Promise<void> {
  const left = [...listObjects(counts)];
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) await create(client, namespace, next);
  };
  await Promise.all(Array.from({ length: connections }, work));
}

/** Mixed, so that neither kind waits for the other. */
function listObjects({ personas, bindings }: Counts): Statement[] {
  const every = Math.max(1, Math.floor(personas / Math.max(1, bindings)));
  const statements: Statement[] = [];
  for (let index = 0; index < Math.max(personas, bindings * every); index += 1) {
    if (index < personas) statements.push({ kind: 'Persona', name: `persona-${index}`, body: persona(index) });
    const binding = index / every;
    if (Number.isInteger(binding) && binding < bindings) {
      statements.push({ kind: 'ApiKeyBinding', name: `binding-${binding}`, body: bindingOf(binding) });
    }
  }
  return statements;
}

const connections = 32;

const organization = {
  spec: {
    namespaceSelector: { matchLabels: selected },
    providers: [{ name: 'openai', type: 'openai' }],
    deletionPolicy: 'Delete',
  },
};

function persona(index: number): object {
  return {
    spec: {
      organizationRef: { name: organizationName },
      name: `Persona ${index}`,
      description: 'One of many.',
      content: `You are number ${index} of many. `.repeat(20),
    },
  };
}

function bindingOf(index: number): object {
  return {
    spec: {
      organizationRef: { name: organizationName },
      provider: 'openai',
      secretKeyRef: { name: 'openai', key: 'key' },
      user: `user-${index}@example.com`,
    },
  };
}

async function create(client: ApiClient, namespace: string, { kind, name, body }: Statement): Promise<void> {
  const [, root = '', plural = ''] = /^(.*)\/([^/]+)$/.exec(collectionPath(kind)) ?? [];
  await client.send({
    method: 'POST',
    path: namespace === '' ? collectionPath(kind) : `${root}/namespaces/${namespace}/${plural}`,
    body: { apiVersion: apiVersionOf(kind), kind, metadata: { name }, ...body },
  });
}
