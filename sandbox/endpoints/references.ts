import type { Fields } from '../fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Keep } from '../keep.ts';
import { requireFile } from './files.ts';
import { requireVectorStore } from './vector-stores.ts';

/**
 * Checks that the files and vector stores that a response refers to exist.
 *
 * @throws ProviderError 404
 */
export function requireReferences(keep: Keep, body: Fields): void {
  for (const part of objectsIn(body.value('input'))) {
    if (typeof part.file_id === 'string') requireFile(keep, part.file_id);
  }
  for (const tool of objectsIn(body.value('tools'))) {
    for (const id of textsIn(tool.vector_store_ids)) requireVectorStore(keep, id);
    for (const id of textsIn(tool.file_ids)) requireFile(keep, id);
  }
}

/** All objects in a value, at any depth. The depth of bodies is limited. */
function objectsIn(value: JsonValue): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn);
  return isJsonObject(value) ? [value, ...Object.values(value).flatMap(objectsIn)] : [];
}

function textsIn(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
}
