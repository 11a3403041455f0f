import type { ApiKeyBinding } from '../../crds/resources.generated.ts';
import type { Cluster, Secret } from '../cluster/cluster.ts';

/** The Secret that a binding refers to. */
export function findProviderSecret(
  cluster: Pick<Cluster, 'get'>,
  { metadata, spec }: ApiKeyBinding,
): Secret | undefined {
  return cluster.get('Secret', metadata.namespace ?? '', spec.secretKeyRef.name);
}

/** The key that a binding refers to. Undefined where the Secret or its key is missing or empty. */
export function readProviderKey(cluster: Pick<Cluster, 'get'>, binding: ApiKeyBinding): string | undefined {
  return readKey(findProviderSecret(cluster, binding)?.data[binding.spec.secretKeyRef.key]);
}

/** A key as trimmed text. Undefined where it is empty. */
export function readKey(value: Uint8Array | undefined): string | undefined {
  const text = value === undefined ? '' : Buffer.from(value).toString('utf8').trim();
  return text === '' ? undefined : text;
}

/** Whether a text can be a provider key. */
export function isProviderKey(key: string | undefined): key is string {
  return key !== undefined && whyNoProviderKey(key) === undefined;
}

/** Why a text cannot be a provider key, as the end of a sentence. Undefined where it can. */
export function whyNoProviderKey(key: string): string | undefined {
  // For example typographic quotation marks, or a second line.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    return 'no header can hold it, since it has blanks, line breaks or characters beyond ASCII';
  }
  // The result of `kubectl apply` with a file that was written for `chaperone up`.
  if (/\$\{\w+(:-[^}]*)?\}/.test(key)) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as files have it
    return 'it has ${...} in it, which only `chaperone up` replaces by a variable of the environment, and kubectl does not';
  }
  return undefined;
}
