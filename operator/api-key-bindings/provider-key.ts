import type { ApiKeyBinding } from '../../crds/resources.generated.ts';
import type { Cluster, Secret } from '../cluster/cluster.ts';

/** The Secret that a binding refers to. */
export function findProviderSecret(
  cluster: Pick<Cluster, 'get'>,
  { metadata, spec }: ApiKeyBinding,
): Secret | undefined {
  return cluster.get('Secret', metadata.namespace ?? '', spec.secretKeyRef.name);
}

/** The key that a binding refers to; undefined where the Secret or its key is missing or empty. */
export function readProviderKey(cluster: Pick<Cluster, 'get'>, binding: ApiKeyBinding): string | undefined {
  return readKey(findProviderSecret(cluster, binding)?.data[binding.spec.secretKeyRef.key]);
}

/** A key as text, without blanks around it; undefined where there is none. */
export function readKey(value: Uint8Array | undefined): string | undefined {
  const text = value === undefined ? '' : Buffer.from(value).toString('utf8').trim();
  return text === '' ? undefined : text;
}

/** Whether a header can hold it: a key has no quotation marks of a text processor, and no second line. */
export function isProviderKey(key: string | undefined): key is string {
  return key !== undefined && /^[\x21-\x7e]+$/.test(key);
}
