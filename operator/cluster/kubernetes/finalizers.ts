import type { CustomKind } from '../../../crds/definition.ts';
import type { ObjectKey } from '../cluster.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ApiClient } from './api-client.ts';
import { isConflict, isNotFound } from './api-error.ts';
import { type Identified, readCurrent } from './current.ts';
import { fieldManager } from './field-manager.ts';
import type { Versioned } from './reflector.ts';
import { type CustomApiObject, objectPath } from './resources.ts';

export interface FinalizersOptions {
  readonly client: ApiClient;
  readonly known: (key: ObjectKey<CustomKind>) => Versioned<Identified> | undefined;
  /** Called with the object in the answer to a write. */
  readonly learn: <K extends CustomKind>(key: ObjectKey<K>, answer: CustomApiObject<K>) => void;
}

const mostAttempts = 10;

/**
 * Adds and removes finalizers. It writes the whole list, on condition of the resource version that was read, so no
 * other finalizer is lost. Server-side apply would not remove a finalizer that was restored from a backup.
 */
export function makeFinalizers({ client, known, learn }: FinalizersOptions) {
  const write = async <K extends CustomKind>(
    key: ObjectKey<K>,
    finalizers: readonly string[],
    resourceVersion: string,
  ) => {
    const answer = await client.send<CustomApiObject<K>>({
      method: 'PATCH',
      path: objectPath(key),
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      body: { metadata: { resourceVersion, finalizers } },
    });
    const isGone = answer.metadata.deletionTimestamp !== undefined && finalizers.length === 0;
    if (!isGone) learn(key, answer);
  };

  /** @returns whether the object exists */
  const change = async (
    key: ObjectKey<CustomKind>,
    alter: (finalizers: readonly string[]) => readonly string[],
  ): Promise<boolean> => {
    let current = known(key);
    for (let attempt = 1; current; attempt += 1) {
      const { finalizers = [] } = current.object.metadata;
      const next = alter(finalizers);
      if (next.length === finalizers.length) return true;
      try {
        await write(key, next, current.version);
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        if (!isConflict(error) || attempt === mostAttempts) throw error;
        current = await readCurrent(client, key);
      }
    }
    return false;
  };

  return {
    async add(key: ObjectKey<CustomKind>, finalizer: string): Promise<void> {
      const isThere = await change(key, (all) => (all.includes(finalizer) ? all : [...all, finalizer]));
      if (!isThere) throw new ClusterError('not_found', key, 'is gone');
    },
    async remove(key: ObjectKey<CustomKind>, finalizer: string): Promise<void> {
      await change(key, (all) => all.filter((one) => one !== finalizer));
    },
  };
}
