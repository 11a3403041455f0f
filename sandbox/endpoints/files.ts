import { missing } from '../fields.ts';
import { fileId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { inOrder, type Keep, type StoredFile } from '../keep.ts';
import type { Content, Lookup } from '../lookup.ts';
import { pageOf } from '../paging.ts';
import { ProviderError } from '../provider-error.ts';

/**
 * Stores the file of a form.
 *
 * @throws ProviderError 400 for a form without `file` or `purpose`
 */
export async function createFile(keep: Keep, form: FormData): Promise<JsonObject> {
  const file = form.get('file');
  const purpose = form.get('purpose');
  if (file === null || typeof file === 'string') throw missing('file');
  if (typeof purpose !== 'string') throw missing('purpose');
  return keepFile(keep, await file.bytes(), file.name, purpose);
}

/** Stores a file of the caller, or one that the provider made for the caller. */
export function keepFile(keep: Keep, bytes: Uint8Array, filename: string, purpose: string): JsonObject {
  const object = {
    id: fileId(),
    object: 'file',
    bytes: bytes.length,
    created_at: Math.floor(Date.now() / 1000),
    expires_at: null,
    filename,
    purpose,
    status: 'processed',
    status_details: null,
  };
  keep.files.set(object.id, { object, bytes });
  return object;
}

export function listFiles({ keep, query }: Lookup): JsonObject {
  const purpose = query.get('purpose');
  const files = inOrder(keep.files).map(({ object }) => object);
  return pageOf(
    files.filter((file) => purpose === null || file.purpose === purpose),
    query,
    10_000,
  );
}

export function readFile({ keep, id }: Lookup): JsonObject {
  return requireFile(keep, id).object;
}

export function readFileContent({ keep, id }: Lookup): Content {
  return { contentType: 'application/octet-stream', chunks: [requireFile(keep, id).bytes] };
}

export function deleteFile({ keep, id }: Lookup): JsonObject {
  requireFile(keep, id);
  keep.files.delete(id);
  return { id, object: 'file', deleted: true };
}

/** @throws ProviderError 404 */
export function requireFile(keep: Keep, id: string): StoredFile {
  const file = keep.files.peek(id);
  if (file) return file;
  throw new ProviderError(`No such File object: ${id}`, { status: 404, param: 'id' });
}
