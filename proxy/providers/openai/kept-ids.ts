import { isSelfContained } from '../../../crds/read-call-fields.ts';
import { asArray, asObject, asString, type Body } from '../json.ts';

/**
 * The ids by which a later call may name parts of a response: its items, and the containers that they ran in. Where the
 * response is not stored, items that say all of themselves cannot be named.
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
