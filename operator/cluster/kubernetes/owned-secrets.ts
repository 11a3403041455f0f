import { ClusterError, type ObjectKey, type Secret, type SecretToApply } from '../cluster.ts';
import { isMadeFor, managedBy, managedByLabel, ownedLabels } from '../owned.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError, isConflict, isNotFound } from './api-error.ts';
import { apply, fieldManager } from './field-manager.ts';
import { listAll } from './list.ts';
import { type ContentApiObject, collectionPath, namespacedPath, objectPath } from './resources.ts';

/** Selects the Secrets that the operator made. */
export const ownedSelector = `${managedByLabel}=${managedBy}`;
/** Selects all the others. */
export const foreignSelector = `${managedByLabel}!=${managedBy}`;

export interface OwnedSecretsOptions {
  readonly client: ApiClient;
  readonly known: (key: ObjectKey<'Secret'>) => Secret | undefined;
  /** Told of a Secret before it is sent, and how to tell whether another is the same. */
  readonly about: (key: ObjectKey<'Secret'>, isWritten: (secret: Secret) => boolean) => void;
  /** Told of the Secret that a write has answered. */
  readonly learn: (answer: ContentApiObject) => void;
  readonly forget: (key: ObjectKey<'Secret'>) => void;
}

/** Why a Secret is left as it is. */
const notOwn = 'exists already and is not ours; rename or delete it';

/** Writes the Secrets that are the operator's own, and touches no others. */
export function makeOwnedSecrets({ client, known, about, learn, forget }: OwnedSecretsOptions) {
  const read = async (key: ObjectKey<'Secret'>): Promise<ContentApiObject | undefined> => {
    try {
      return await client.send<ContentApiObject>({ method: 'GET', path: objectPath(key) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  /**
   * Creates a Secret where the watch of owned ones shows none. One of ours that it does not show is not overwritten: it
   * may hold what exists nowhere else, and whoever decides must see it first.
   */
  const create = async (key: ObjectKey<'Secret'>, body: object): Promise<ContentApiObject> => {
    const path = namespacedPath(key.kind, key.namespace);
    try {
      return await client.send<ContentApiObject>({ method: 'POST', path, query: { fieldManager }, body });
    } catch (error) {
      if (!isConflict(error)) throw error;
      const secret = await read(key);
      if (secret && !isOwned(secret)) {
        throw new ClusterError('conflict', key, notOwn);
      }
      if (secret) learn(secret);
      throw new ClusterError('stale', key, 'was not known to exist', { cause: error });
    }
  };
  /** Writes over the Secret with this uid, and over no other that has taken its place since it was looked at. */
  const replace = async (
    key: ObjectKey<'Secret'>,
    uid: string,
    secret: { readonly metadata: object },
    wanted: object,
  ): Promise<ContentApiObject> => {
    const path = objectPath(key);
    const body = { ...secret, metadata: { ...secret.metadata, uid } };
    const answer = await apply<ContentApiObject>(client, path, body).catch((error: unknown) => {
      throw isConflict(error) ? new ClusterError('stale', key, 'is another by now', { cause: error }) : error;
    });
    // Applying leaves keys alone that somebody else has added.
    const surplus = Object.keys(answer.data ?? {}).filter((one) => !Object.hasOwn(wanted, one));
    if (surplus.length === 0) return answer;
    const patch = { metadata: { uid }, data: Object.fromEntries(surplus.map((one) => [one, null])) };
    const contentType = 'application/merge-patch+json';
    return client.send<ContentApiObject>({ method: 'PATCH', path, query: { fieldManager }, contentType, body: patch });
  };

  return {
    /** The Secret as it is on the server, where it is the operator's. */
    async find(key: ObjectKey<'Secret'>): Promise<ContentApiObject | undefined> {
      const secret = await read(key);
      return secret && isOwned(secret) ? secret : undefined;
    },

    /** Has the mirror know every Secret that the server has now, which the watch may not have told of yet. */
    async refresh(): Promise<void> {
      const options = { path: collectionPath('Secret'), query: { labelSelector: ownedSelector } };
      const { items } = await listAll<ContentApiObject, ContentApiObject>(client, options, (secret) => secret);
      for (const secret of items) learn(secret);
    },

    async apply({ namespace, name, data, labels, ownerUid, isOwn }: SecretToApply): Promise<void> {
      const key = { kind: 'Secret', namespace, name } as const;
      const wanted = encode(data);
      const wantedLabels = ownedLabels(ownerUid, labels);
      const current = known(key);
      if (current && !isMadeFor(current, ownerUid) && !isOwn?.(current)) {
        throw new ClusterError('conflict', key, notOwn);
      }
      if (current && isSame(current, wanted, wantedLabels)) return;
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace, labels: wantedLabels },
        data: wanted,
      };
      about(key, (one) => isSame(one, wanted, wantedLabels));
      const writing = current ? replace(key, current.metadata.uid, secret, wanted) : create(key, secret);
      const answer = await writing.catch((error: unknown) => {
        throw isRefusal(error)
          ? new ClusterError('refused', key, `was refused: ${error.message}`, { cause: error })
          : error;
      });
      learn(answer);
    },

    async delete(namespace: string, name: string, isOwn: (secret: Secret) => boolean): Promise<void> {
      const key = { kind: 'Secret', namespace, name } as const;
      const current = known(key);
      if (!current || !isOwn(current)) return;
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

/** By a quota, an admission policy, a missing right, or a namespace that is gone: asking again at once is of no use. */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && [400, 403, 404, 422].includes(error.status);
}

/** Ours even where somebody has taken the label away: the server remembers who wrote it. */
function isOwned({ metadata: { labels, managedFields = [] } }: ContentApiObject): boolean {
  return labels?.[managedByLabel] === managedBy || managedFields.some(({ manager }) => manager === fieldManager);
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
