import type { CustomKind } from '../../../crds/definition.ts';
import type { Condition, ObjectMeta } from '../../../crds/object-meta.ts';
import type { ObjectKey } from '../cluster.ts';
import type { ApiClient } from './api-client.ts';
import { isNotFound } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import type { Versioned } from './reflector.ts';
import { objectPath } from './resources.ts';

/** The fields that a conditional write needs, besides the version. */
export interface Identified {
  readonly metadata: Pick<ObjectMeta, 'uid' | 'finalizers'>;
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Reads the object from the server. Undefined where it is gone. */
export async function readCurrent(
  client: ApiClient,
  key: ObjectKey<CustomKind>,
): Promise<Versioned<Identified> | undefined> {
  try {
    const object = await client.send<ApiObject & Identified>({ method: 'GET', path: objectPath(key) });
    return { object, version: object.metadata.resourceVersion };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
