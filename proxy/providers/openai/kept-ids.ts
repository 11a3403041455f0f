import { isSelfContained } from '../../../crds/read-call-fields.ts';
import { asArray, asObject, asString, type Body } from '../json.ts';

/**
 * Reads the ids with which a later call may refer to parts of a response: its items, and the containers in which they
 * ran. Where the response is not stored, self-contained items cannot be referred to.
 */
export function readKeptIds(response: Body | null): { keptIds?: readonly string[] } {
  const isStored = response?.store !== false;
  const keptIds = asArray(response?.output)
    .map(asObject)
    .filter((item) => item !== null && (isStored || !isSelfContained(item)))
    .flatMap((item) => [item?.id, item?.container_id, asObject(item?.environment)?.container_id])
    .map(asString)
    .filter((id) => id !== null);
  return keptIds.length === 0 ? {} : { keptIds };
}
