import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Cluster } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { isConflict, isNotFound } from '../cluster/kubernetes/api-error.ts';
import { fieldManager } from '../cluster/kubernetes/field-manager.ts';
import { managedBy, managedByLabel } from '../cluster/owned.ts';
import { webhookKeySecretName } from '../credentials.ts';

const dataKey = 'key';
const keyBytes = 32;

const webhookNames = ['mutate', 'validate', 'audit'] as const;

export type WebhookPath = (typeof webhookNames)[number];

/**
 * The keys that the operators of an installation share. There are several after the Secret was replaced: requests at
 * the old path are still answered.
 */
export interface WebhookKeys {
  /** The newest is last. */
  all(): readonly Buffer[];
}

export interface WebhookKeyContext {
  readonly client: Pick<ApiClient, 'send'>;
  /** The operator's namespace. */
  readonly namespace: string;
}

/**
 * Reads the Secret with the key, and creates it where it is missing. Where several operators do so at once, one creates
 * it and the others read it.
 *
 * @throws ApiError where the API server refuses; RangeError where the Secret has no key
 */
export async function openWebhookKey({ client, namespace }: WebhookKeyContext): Promise<Buffer> {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const read = () =>
    client.send<{ data?: Readonly<Record<string, string>> }>({
      method: 'GET',
      path: `${path}/${webhookKeySecretName}`,
    });
  const create = async () => {
    const data = { [dataKey]: randomBytes(keyBytes).toString('base64') };
    const labels = { [managedByLabel]: managedBy };
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: webhookKeySecretName, labels }, data };
    return client.send<{ data?: Readonly<Record<string, string>> }>({
      ...{ method: 'POST', path, body },
      query: { fieldManager },
    });
  };
  const secret = await read().catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return create().catch((refusal: unknown) => {
      if (!isConflict(refusal)) throw refusal;
      return read();
    });
  });
  const key = Buffer.from(secret.data?.[dataKey] ?? '', 'base64');
  if (key.length < keyBytes) throw new RangeError(`Secret ${namespace}/${webhookKeySecretName} has no key; delete it`);
  return key;
}

/** Follows the Secret through the cluster's cache. `first` is the key that was read at the start. */
export function followWebhookKeys(
  cluster: Pick<Cluster, 'get' | 'subscribe'>,
  namespace: string,
  first: Buffer,
): WebhookKeys {
  const keys = [first];
  cluster.subscribe(({ kind, namespace: place, name }) => {
    if (kind !== 'Secret' || place !== namespace || name !== webhookKeySecretName) return;
    const key = Buffer.from(cluster.get('Secret', namespace, webhookKeySecretName)?.data[dataKey] ?? []);
    if (key.length >= keyBytes && !keys.some((known) => known.equals(key))) keys.push(key);
  });
  return { all: () => keys };
}

/**
 * The secret path of a webhook. Only who may read the webhook configurations or the Secret knows it: API servers and
 * administrators of the cluster.
 */
export function secretPath(key: Buffer, path: WebhookPath): string {
  return `/${path}/${createHmac('sha256', key).update('path').digest('hex')}`;
}

/** Derives the key with which operators prove to each other what they injected. */
export function proofKeyOf(key: Buffer): Buffer {
  return createHmac('sha256', key).update('proof').digest();
}

/**
 * Finds the webhook of a request. Undefined where the path has no valid secret. It takes the same time for all paths.
 */
export function webhookOf(path: string, keys: readonly Buffer[]): WebhookPath | undefined {
  const asked = createHash('sha256').update(path).digest();
  let found: WebhookPath | undefined;
  for (const key of keys) {
    for (const webhook of webhookNames) {
      const served = createHash('sha256').update(secretPath(key, webhook)).digest();
      if (timingSafeEqual(asked, served)) found = webhook;
    }
  }
  return found;
}
