import { ClusterError, type ObjectKey, type Secret, type SecretToApply } from '../cluster.ts';
import type { ApiClient } from './api-client.ts';
import { isConflict, isNotFound } from './api-error.ts';
import { apply, fieldManager } from './field-manager.ts';
import { type ContentApiObject, objectPath } from './resources.ts';

const managedBy = 'app.kubernetes.io/managed-by';

/** Selects the Secrets that the operator made. */
export const ownedSelector = `${managedBy}=chaperone`;
/** Selects all the others. */
export const foreignSelector = `${managedBy}!=chaperone`;

export interface OwnedSecretsOptions {
  readonly client: ApiClient;
  readonly known: (key: ObjectKey<'Secret'>) => Secret | undefined;
  /** Told of the Secret that a write has answered. */
  readonly learn: (answer: ContentApiObject) => void;
  readonly forget: (key: ObjectKey<'Secret'>) => void;
}

/** Writes the Secrets that are the operator's own, and touches no others. */
export function makeOwnedSecrets({ client, known, learn, forget }: OwnedSecretsOptions) {
  /** The Secret's keys on the server, which is asked only where the watch of owned Secrets does not know. */
  const readKeys = async (key: ObjectKey<'Secret'>): Promise<readonly string[]> => {
    try {
      const secret = await client.send<ContentApiObject>({ method: 'GET', path: objectPath(key) });
      if (!isOwned(secret))
        throw new ClusterError('conflict', key, 'exists already and is not ours; rename or delete it');
      return Object.keys(secret.data ?? {});
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  };

  return {
    async apply({ namespace, name, data, labels = {} }: SecretToApply): Promise<void> {
      const key = { kind: 'Secret', namespace, name } as const;
      const wanted = encode(data);
      const wantedLabels = { ...labels, [managedBy]: 'chaperone' };
      const current = known(key);
      if (current && isSame(current, wanted, wantedLabels)) return;
      const keys = current ? Object.keys(current.data) : await readKeys(key);
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace, labels: wantedLabels },
        data: wanted,
      };
      const path = objectPath(key);
      let answer = await apply<ContentApiObject>(client, path, secret);
      // Applying leaves keys alone that somebody else has added.
      const surplus = keys.filter((one) => !Object.hasOwn(wanted, one) && Object.hasOwn(answer.data ?? {}, one));
      if (surplus.length > 0) {
        const body = { data: Object.fromEntries(surplus.map((one) => [one, null])) };
        const contentType = 'application/merge-patch+json';
        answer = await client.send<ContentApiObject>({
          method: 'PATCH',
          path,
          query: { fieldManager },
          contentType,
          body,
        });
      }
      learn(answer);
    },

    async delete(namespace: string, name: string): Promise<void> {
      const key = { kind: 'Secret', namespace, name } as const;
      const current = known(key);
      if (!current) return;
      try {
        const body = { preconditions: { uid: current.metadata.uid } };
        await client.send({ method: 'DELETE', path: objectPath(key), body });
      } catch (error) {
        // Gone, or another one by now.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
      forget(key);
    },
  };
}

/** Ours even where somebody has taken the label away: the server remembers who wrote it. */
function isOwned({ metadata: { labels, managedFields = [] } }: ContentApiObject): boolean {
  return labels?.[managedBy] === 'chaperone' || managedFields.some(({ manager }) => manager === fieldManager);
}

function encode(data: SecretToApply['data']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      (typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)).toString('base64'),
    ]),
  );
}

function isSame(
  { metadata, data }: Secret,
  wanted: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  const keys = Object.keys(wanted);
  if (Object.keys(data).length !== keys.length) return false;
  if (Object.entries(labels).some(([label, value]) => metadata.labels?.[label] !== value)) return false;
  return keys.every((key) => data[key] !== undefined && Buffer.from(data[key]).toString('base64') === wanted[key]);
}
