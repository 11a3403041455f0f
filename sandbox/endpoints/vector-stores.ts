import { missing } from '../fields.ts';
import { shortItemId } from '../ids.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { inOrder, type Keep, type VectorStore } from '../keep.ts';
import type { Lookup } from '../lookup.ts';
import { pageOf } from '../paging.ts';
import { ProviderError } from '../provider-error.ts';
import { requireFile } from './files.ts';

export function createVectorStore({ body, keep }: Lookup): JsonObject {
  const object = {
    id: shortItemId('vs'),
    object: 'vector_store',
    created_at: now(),
    name: body.string('name'),
    status: 'completed',
    expires_after: body.object('expires_after'),
    expires_at: null,
    last_active_at: now(),
    metadata: body.metadata() ?? {},
  };
  const store: VectorStore = { object, files: new Map(), batches: new Map() };
  for (const id of readIds(body.value('file_ids'))) addFile(keep, store, id);
  keep.vectorStores.set(object.id, store);
  return describe(store);
}

export function listVectorStores({ keep, query }: Lookup): JsonObject {
  return pageOf(inOrder(keep.vectorStores).map(describe), query);
}

export function readVectorStore({ keep, id }: Lookup): JsonObject {
  return describe(requireVectorStore(keep, id));
}

export function updateVectorStore({ keep, id, body }: Lookup): JsonObject {
  const store = requireVectorStore(keep, id);
  const { name, metadata } = store.object;
  store.object = {
    ...store.object,
    name: body.string('name') ?? name ?? null,
    metadata: body.metadata() ?? metadata ?? {},
  };
  return describe(store);
}

export function deleteVectorStore({ keep, id }: Lookup): JsonObject {
  requireVectorStore(keep, id);
  keep.vectorStores.delete(id);
  return { id, object: 'vector_store.deleted', deleted: true };
}

/** Finds files that contain words of the query. More words give a better score. */
export function searchVectorStore({ keep, id, body }: Lookup): JsonObject {
  const query = body.requiredString('query');
  const words = query.toLowerCase().split(/\W+/).filter(Boolean);
  const found = [...requireVectorStore(keep, id).files.keys()].map((fileId) => {
    const { object, bytes } = requireFile(keep, fileId);
    const text = Buffer.from(bytes).toString('utf8');
    const hits = words.filter((word) => text.toLowerCase().includes(word)).length;
    const score = words.length === 0 ? 0 : hits / words.length;
    return {
      file_id: fileId,
      filename: object.filename ?? '',
      score,
      attributes: {},
      content: [{ type: 'text', text }],
    };
  });
  const data = found.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
  return { object: 'vector_store.search_results.page', search_query: [query], data, has_more: false, next_page: null };
}

export function createVectorStoreFile({ keep, id, body }: Lookup): JsonObject {
  return addFile(keep, requireVectorStore(keep, id), body.requiredString('file_id'));
}

export function listVectorStoreFiles({ keep, id, query }: Lookup): JsonObject {
  return pageOf([...requireVectorStore(keep, id).files.values()], query);
}

export function readVectorStoreFile({ keep, id, item }: Lookup): JsonObject {
  return requireStoreFile(requireVectorStore(keep, id), item);
}

export function updateVectorStoreFile({ keep, id, item, body }: Lookup): JsonObject {
  const store = requireVectorStore(keep, id);
  const file = { ...requireStoreFile(store, item), attributes: body.object('attributes') ?? {} };
  store.files.set(item, file);
  return file;
}

export function deleteVectorStoreFile({ keep, id, item }: Lookup): JsonObject {
  const store = requireVectorStore(keep, id);
  requireStoreFile(store, item);
  store.files.delete(item);
  return { id: item, object: 'vector_store.file.deleted', deleted: true };
}

export function readVectorStoreFileContent({ keep, id, item }: Lookup): JsonObject {
  requireStoreFile(requireVectorStore(keep, id), item);
  const text = Buffer.from(requireFile(keep, item).bytes).toString('utf8');
  return { object: 'vector_store.file_content.page', data: [{ type: 'text', text }], has_more: false, next_page: null };
}

export function createFileBatch({ keep, id, body }: Lookup): JsonObject {
  const store = requireVectorStore(keep, id);
  const ids = readIds(body.value('file_ids'));
  if (ids.length === 0) throw missing('file_ids');
  for (const fileId of ids) addFile(keep, store, fileId);
  const batch = {
    id: shortItemId('vsfb'),
    object: 'vector_store.file_batch',
    created_at: now(),
    vector_store_id: id,
    status: 'completed',
    file_counts: counts(ids.length),
  };
  store.batches.set(batch.id, { ...batch, file_ids: ids });
  return batch;
}

export function readFileBatch({ keep, id, item }: Lookup): JsonObject {
  const { file_ids: _, ...batch } = requireFileBatch(requireVectorStore(keep, id), item);
  return batch;
}

/** A complete batch stays complete, as at OpenAI. */
export const cancelFileBatch = readFileBatch;

export function listFileBatchFiles({ keep, id, item, query }: Lookup): JsonObject {
  const store = requireVectorStore(keep, id);
  const ids = readIds(requireFileBatch(store, item).file_ids ?? null);
  return pageOf(
    ids.map((fileId) => requireStoreFile(store, fileId)),
    query,
  );
}

/** @throws ProviderError 404 */
export function requireVectorStore(keep: Keep, id: string): VectorStore {
  const store = keep.vectorStores.peek(id);
  if (store) return store;
  throw new ProviderError(`Vector store with id '${id}' not found.`, { status: 404 });
}

function addFile(keep: Keep, store: VectorStore, fileId: string): JsonObject {
  const file = {
    id: fileId,
    object: 'vector_store.file',
    created_at: now(),
    vector_store_id: store.object.id ?? '',
    usage_bytes: requireFile(keep, fileId).bytes.length,
    status: 'completed',
    last_error: null,
    attributes: {},
  };
  store.files.set(fileId, file);
  return file;
}

function requireStoreFile(store: VectorStore, fileId: string): JsonObject {
  const file = store.files.get(fileId);
  if (file) return file;
  throw new ProviderError(`No file found with id '${fileId}' in vector store '${store.object.id}'.`, { status: 404 });
}

function requireFileBatch(store: VectorStore, id: string): JsonObject {
  const batch = store.batches.get(id);
  if (batch) return batch;
  throw new ProviderError(`No vector store file batch found with id '${id}'.`, { status: 404 });
}

function describe({ object, files }: VectorStore): JsonObject {
  const bytes = [...files.values()].reduce((sum, file) => sum + Number(file.usage_bytes), 0);
  return { ...object, usage_bytes: bytes, file_counts: counts(files.size) };
}

function counts(completed: number): JsonObject {
  return { in_progress: 0, completed, failed: 0, cancelled: 0, total: completed };
}

function readIds(value: JsonValue): string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
