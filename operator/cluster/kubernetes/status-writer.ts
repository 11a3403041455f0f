import type { CustomKind } from '../../../crds/definition.ts';
import { type Cluster, ClusterError, type ObjectKey } from '../cluster.ts';
import type { ApiClient } from './api-client.ts';
import { isConflict, isNotFound } from './api-error.ts';
import { type Identified, readCurrent } from './current.ts';
import { fieldManager } from './field-manager.ts';
import type { Versioned } from './reflector.ts';
import { apiVersionOf, type CustomApiObject, objectPath } from './resources.ts';

export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly known: (key: ObjectKey<CustomKind>) => Versioned<Identified> | undefined;
  /** Told of the object that a write has answered. */
  readonly learn: <K extends CustomKind>(key: ObjectKey<K>, answer: CustomApiObject<K>) => void;
  /** Told of a status before it is sent. */
  readonly about: (key: ObjectKey<CustomKind>, status: object) => void;
}

const mostAttempts = 10;

/**
 * Writes statuses, whole, on condition of the version that is known: another object of the same name is another object,
 * and must not get this one's status, which the uid alone does not prevent in a status. A server-side apply would cost
 * the API server half as much again, and nobody shares a status with us.
 */
export function makeStatusWriter({ client, known, learn, about }: StatusWriterOptions): Cluster['updateStatus'] {
  return async (key, status) => {
    const { kind, namespace, name } = key;
    const first = known(key);
    about(key, status);
    let current = first;
    for (let attempt = 1; current; attempt += 1) {
      const { uid } = current.object.metadata;
      if (uid !== first?.object.metadata.uid) throw new ClusterError('conflict', key, 'is another object by now');
      const metadata = { name, ...(namespace !== '' && { namespace }), uid, resourceVersion: current.version };
      const body = { apiVersion: apiVersionOf(kind), kind, metadata, status };
      try {
        learn(
          key,
          await client.send({ method: 'PUT', path: `${objectPath(key)}/status`, query: { fieldManager }, body }),
        );
        return;
      } catch (error) {
        if (isNotFound(error)) break;
        if (!isConflict(error) || attempt === mostAttempts) throw error;
        current = await readCurrent(client, key);
      }
    }
    throw new ClusterError('not_found', key, 'is gone');
  };
}
