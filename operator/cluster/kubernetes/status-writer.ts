import type { CustomKind } from '../../../crds/definition.ts';
import type { Cluster, ObjectKey, StatusOf } from '../cluster.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ApiClient } from './api-client.ts';
import { isConflict, isNotFound } from './api-error.ts';
import { type Identified, readCurrent } from './current.ts';
import { fieldManager } from './field-manager.ts';
import type { Versioned } from './reflector.ts';
import { apiVersionOf, type CustomApiObject, objectPath } from './resources.ts';

export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly known: (key: ObjectKey<CustomKind>) => Versioned<Identified> | undefined;
  /** Called with the object in the answer to a write. */
  readonly learn: <K extends CustomKind>(key: ObjectKey<K>, answer: CustomApiObject<K>) => void;
  /** Called before a status is sent. */
  readonly about: (key: ObjectKey<CustomKind>, status: object) => void;
}

const mostAttempts = 10;

/**
 * Writes whole statuses, on condition of the known resource version. A new object of the same name must not get the old
 * object's status, and the uid does not prevent that in a status write. Conditions of other types belong to other
 * writers and stay. Server-side apply would cost the API server 1.5 times as much.
 */
export function makeStatusWriter({ client, known, learn, about }: StatusWriterOptions): Cluster['updateStatus'] {
  return async (key, status, ended = []) => {
    const { kind, namespace, name } = key;
    const first = known(key);
    let current = first;
    for (let attempt = 1; current; attempt += 1) {
      const { uid } = current.object.metadata;
      if (uid !== first?.object.metadata.uid) throw new ClusterError('conflict', key, 'was replaced by another object');
      const metadata = { name, ...(namespace !== '' && { namespace }), uid, resourceVersion: current.version };
      const whole = withConditionsOfOthers(status, current.object, ended);
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

function withConditionsOfOthers(
  status: StatusOf<CustomKind>,
  { status: current }: Identified,
  ended: readonly string[],
): StatusOf<CustomKind> {
  const { conditions = [] } = status;
  const own = new Set([...ended, ...conditions.map(({ type }) => type)]);
  const theirs = current?.conditions?.filter(({ type }) => !own.has(type));
  return theirs && theirs.length > 0 ? { ...status, conditions: [...conditions, ...theirs] } : status;
}
