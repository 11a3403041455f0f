import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Cluster } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { isConflict, isNotFound } from '../cluster/kubernetes/api-error.ts';
import { fieldManager } from '../cluster/kubernetes/field-manager.ts';
import { managedBy, managedByLabel } from '../cluster/owned.ts';
import { webhookKeySecretName } from '../credentials.ts';

const dataKey = 'key';
const keyBytes = 32;

export type WebhookPath = 'mutate' | 'validate';

/**
 * The keys that the operators of an installation share. Several where the Secret was made anew: what an API server still
 * asks by the former one is answered.
 */
export interface WebhookKeys {
  /** The newest last. */
  all(): readonly Buffer[];
}

export interface WebhookKeyContext {
  readonly client: Pick<ApiClient, 'send'>;
  /** The operator's. */
  readonly namespace: string;
}

/**
 * Reads the Secret with the key, and makes it where there is none. Of several operators that do so at once one makes it,
 * and the others read it.
 *
 * @throws ApiError where the API server refuses; RangeError where the Secret holds no key
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
  if (key.length < keyBytes)
    throw new RangeError(`Secret ${namespace}/${webhookKeySecretName} holds no key; delete it`);
  return key;
}

/** Follows the Secret, of which `first` was read, for as long as the cluster does. */
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
 * Where an operator serves a webhook. Who knows it has read the webhook configurations, or the Secret: an API server, or
 * an administrator of the cluster.
 */
export function secretPath(key: Buffer, path: WebhookPath): string {
  return `/${path}/${createHmac('sha256', key).update('path').digest('hex')}`;
}

/** By which operators prove to each other what they injected. */
export function proofKeyOf(key: Buffer): Buffer {
  return createHmac('sha256', key).update('proof').digest();
}

/** Which webhook a request is for; undefined where its path tells nobody's secret. Takes the same time for all paths. */
export function webhookOf(path: string, keys: readonly Buffer[]): WebhookPath | undefined {
  const asked = createHash('sha256').update(path).digest();
  let found: WebhookPath | undefined;
  for (const key of keys) {
    for (const webhook of ['mutate', 'validate'] as const) {
      const served = createHash('sha256').update(secretPath(key, webhook)).digest();
      if (timingSafeEqual(asked, served)) found = webhook;
    }
  }
  return found;
}
