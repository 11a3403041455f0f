import type { ObjectKey, Secret, SecretToApply } from '../cluster.ts';
import { ClusterError } from '../cluster-error.ts';
import { isMadeFor, managedBy, managedByLabel, ownedLabels } from '../owned.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError, isConflict, isNotFound } from './api-error.ts';
import { apply, fieldManager } from './field-manager.ts';
import { listAll } from './list.ts';
import { type ContentApiObject, collectionPath, namespacedPath, objectPath } from './resources.ts';

/** Selects the Secrets that the operator made. */
export const ownedSelector = `${managedByLabel}=${managedBy}`;
/** Selects all other Secrets. */
export const foreignSelector = `${managedByLabel}!=${managedBy}`;

export interface OwnedSecretsOptions {
  readonly client: ApiClient;
  readonly known: (key: ObjectKey<'Secret'>) => Secret | undefined;
  /** Called before a Secret is sent, with a test whether another Secret equals it. */
  readonly about: (key: ObjectKey<'Secret'>, isWritten: (secret: Secret) => boolean) => void;
  /** Called with the Secret in the answer to a write. */
  readonly learn: (answer: ContentApiObject) => void;
  readonly forget: (key: ObjectKey<'Secret'>) => void;
}

/** Why a Secret is left alone. */
const notOwn = 'already exists and was not made by Chaperone; rename or delete it';

/** Writes the operator's own Secrets, and no others. */
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
   * Creates a Secret that the watch does not show. Where one of ours exists all the same, it is not overwritten: it may
   * hold keys that exist nowhere else, so the reconciler must see it first.
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
      throw new ClusterError('stale', key, 'exists, but the cache does not have it yet', { cause: error });
    }
  };
  /** Overwrites the Secret with this uid, but not another that has replaced it meanwhile. */
  const replace = async (
    key: ObjectKey<'Secret'>,
    uid: string,
    secret: { readonly metadata: object },
    wanted: object,
  ): Promise<ContentApiObject> => {
    const path = objectPath(key);
    const body = { ...secret, metadata: { ...secret.metadata, uid } };
    const answer = await apply<ContentApiObject>(client, path, body).catch((error: unknown) => {
      throw isConflict(error) ? new ClusterError('stale', key, 'was replaced by another', { cause: error }) : error;
    });
    // Server-side apply does not remove keys that another writer has added.
    const surplus = Object.keys(answer.data ?? {}).filter((one) => !Object.hasOwn(wanted, one));
    if (surplus.length === 0) return answer;
    const patch = { metadata: { uid }, data: Object.fromEntries(surplus.map((one) => [one, null])) };
    const contentType = 'application/merge-patch+json';
    return client.send<ContentApiObject>({ method: 'PATCH', path, query: { fieldManager }, contentType, body: patch });
  };

  return {
    /** Reads a Secret from the server, if the operator made it. */
    async find(key: ObjectKey<'Secret'>): Promise<ContentApiObject | undefined> {
      const secret = await read(key);
      return secret && isOwned(secret) ? secret : undefined;
    },

    /** Lists all of the operator's Secrets into the mirror, since the watch may lag behind. */
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
        // It is gone, or another Secret has replaced it.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
      forget(key);
    },
  };
}

/** A quota, an admission policy, a missing right or a missing namespace: retrying at once is useless. */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && [400, 403, 404, 422].includes(error.status);
}

/** A Secret is ours even without the label: the server remembers which field manager wrote it. */
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
