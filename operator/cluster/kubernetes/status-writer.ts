import type { CustomKind } from '../../../crds/definition.ts';
import { type Cluster, ClusterError, type ObjectKey, type StatusOf } from '../cluster.ts';
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
 * and must not get this one's status, which the uid alone does not prevent in a status. Conditions of types that the status
 * does not have are somebody else's, and stay. A server-side apply would cost the API server half as much again.
 */
export function makeStatusWriter({ client, known, learn, about }: StatusWriterOptions): Cluster['updateStatus'] {
  return async (key, status) => {
    const { kind, namespace, name } = key;
    const first = known(key);
    let current = first;
    for (let attempt = 1; current; attempt += 1) {
      const { uid } = current.object.metadata;
      if (uid !== first?.object.metadata.uid) throw new ClusterError('conflict', key, 'is another object by now');
      const metadata = { name, ...(namespace !== '' && { namespace }), uid, resourceVersion: current.version };
      const whole = withConditionsOfOthers(status, current.object);
      about(key, whole);
      const body = { apiVersion: apiVersionOf(kind), kind, metadata, status: whole };
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

function withConditionsOfOthers(status: StatusOf<CustomKind>, { status: current }: Identified): StatusOf<CustomKind> {
  const { conditions = [] } = status;
  const theirs = current?.conditions?.filter(({ type }) => !conditions.some((condition) => condition.type === type));
  return theirs && theirs.length > 0 ? { ...status, conditions: [...conditions, ...theirs] } : status;
}
