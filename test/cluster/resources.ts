import assert from 'node:assert/strict';
import type { CustomKind } from '../../crds/definition.ts';
import type { Kind, ObjectKey } from '../../operator/cluster/cluster.ts';
import { ApiError, isNotFound } from '../../operator/cluster/kubernetes/api-error.ts';
import { apiVersionOf, objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import { until } from '../until.ts';

/** What the tests read of any object. */
export interface TestObject {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: {
    readonly id?: string;
    readonly memberNamespaces?: readonly string[];
    readonly boundKeys?: number;
    readonly keys?: string;
    readonly contentHash?: string;
    readonly secretName?: string;
    readonly serves?: string;
    readonly callsAs?: readonly string[];
    readonly observedGeneration?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

/** What one would do with kubectl. */
export function makeHands(client: ApiClient) {
  const keyOf = (kind: Kind, path: string): ObjectKey => {
    const [first = '', second] = path.split('/');
    return second === undefined ? { kind, namespace: '', name: first } : { kind, namespace: first, name: second };
  };
  const find = async (kind: Kind, path: string): Promise<TestObject | undefined> => {
    try {
      return await client.send<TestObject>({ method: 'GET', path: objectPath(keyOf(kind, path)) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    find,
    async create(kind: Kind, path: string, rest: object = {}, metadata: object = {}): Promise<void> {
      const key = keyOf(kind, path);
      const body = { apiVersion: apiVersionOf(kind), kind, metadata: { name: key.name, ...metadata }, ...rest };
      await client.send({ method: 'POST', path: objectPath(key).replace(/\/[^/]+$/, ''), body });
    },
    /** A JSON merge patch. */
    async change(kind: Kind, path: string, patch: object): Promise<void> {
      const contentType = 'application/merge-patch+json';
      await client.send({ method: 'PATCH', path: objectPath(keyOf(kind, path)), contentType, body: patch });
    },
    async remove(kind: Kind, path: string): Promise<void> {
      await client.send({ method: 'DELETE', path: objectPath(keyOf(kind, path)) });
    },
    /** Waits until the object's Ready condition has this reason. */
    untilReason: (kind: CustomKind, path: string, reason: string): Promise<TestObject> =>
      until(async () => {
        const object = await find(kind, path);
        const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
        return ready?.reason === reason ? object : undefined;
      }, `${kind} ${path} to be ${reason}`),
    untilGone: (kind: Kind, path: string) => until(async () => !(await find(kind, path)), `${kind} ${path} to be gone`),
  };
}

export type Hands = ReturnType<typeof makeHands>;

/** As many hands as `width` at work on what there is to do: none waits in line for longer than a request may take. */
export async function inParallel(width: number, tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...tasks];
  const work = async () => {
    for (let task = left.shift(); task; task = left.shift()) await task();
  };
  await Promise.all(Array.from({ length: width }, work));
}

export function decode(object: TestObject | undefined, key: string): string {
  const value = object?.data?.[key];
  assert.ok(value !== undefined, `no "${key}"`);
  return Buffer.from(value, 'base64').toString();
}

export function isRefusedWith(status: number): (error: unknown) => boolean {
  return (error) => error instanceof ApiError && error.status === status;
}

export const organization = (changes: object = {}) => ({
  spec: {
    namespaceSelector: { matchLabels: { org: 'acme' } },
    providers: [{ name: 'openai', type: 'openai' }],
    // Where the tests have most of their objects, many bindings stand side by side: one a user.
    sharing: ['web', 'default'].map((namespace) => ({ namespace, users: ['*'] })),
    deletionPolicy: 'Delete',
    ...changes,
  },
});

export const persona = (changes: object = {}) => ({
  spec: { organizationRef: { name: 'acme' }, name: 'Support', content: 'Be kind.', ...changes },
});

export const binding = (changes: object = {}) => ({
  spec: {
    organizationRef: { name: 'acme' },
    provider: 'openai',
    secretKeyRef: { name: 'openai', key: 'key' },
    ...changes,
  },
});

export const analysisConfig = (changes: object = {}) => ({
  spec: {
    organizationRef: { name: 'acme' },
    name: 'Intent',
    config: { analysis_type: 'intent', categories: [{ name: 'billing' }] },
    ...changes,
  },
});

export const secret = (values: Readonly<Record<string, string>>) => ({ stringData: values });
