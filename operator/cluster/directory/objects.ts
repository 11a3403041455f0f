import { isDeepStrictEqual } from 'node:util';
import { type CustomKind, isCustomKind, type JsonValue } from '../../../crds/definition.ts';
import type { Problem } from '../../../crds/problem.ts';
import type { Validator } from '../../../crds/validate.ts';
import type { Cache } from '../cache.ts';
import type { Change, Kind, ObjectKey, Resources, StatusOf } from '../cluster.ts';
import { ClusterError } from '../cluster-error.ts';
import { storedValidators, type Validators } from './kinds.ts';
import { newMetadata, type ObjectRecord, type Records, timestamp } from './records.ts';
import type { StateFiles } from './state-files.ts';

/** The objects that the files state. It plays the part of the API server. */
export interface Objects {
  /** Loads the objects of our own kinds from the records. */
  load(): Promise<void>;
  /** Applies what a file states about an object. Where it returns problems, nothing has changed. */
  apply(key: ObjectKey, value: JsonValue, file: string | undefined): Promise<readonly Problem[]>;
  /** Removes an object, or marks it as deleted while it has finalizers. */
  delete(key: ObjectKey): Promise<void>;
  updateStatus<K extends CustomKind>(key: ObjectKey<K>, status: StatusOf<K>): Promise<void>;
  addFinalizer(key: ObjectKey<CustomKind>, finalizer: string): Promise<void>;
  removeFinalizer(key: ObjectKey<CustomKind>, finalizer: string): Promise<void>;
}

interface ObjectsContext {
  readonly cache: Cache;
  readonly records: Records;
  readonly statusFiles: StateFiles;
  readonly validators: Validators;
  readonly now: () => Date;
}

export function makeObjects({ cache, records, statusFiles, validators, now }: ObjectsContext): Objects {
  /** Makes the object from a value, with its assigned metadata and its last status. */
  const read = async (
    key: ObjectKey,
    value: JsonValue,
    metadata: ObjectRecord['metadata'],
    old?: object,
    validate: Validator<Resources[Kind]> = validators[key.kind],
  ) => {
    const status = isCustomKind(key.kind) ? await statusFiles.read(key) : undefined;
    const result = validate(value, { metadata, ...(status !== undefined && { status }) }, old);
    const isStatusWrong = 'problems' in result && result.problems.some(({ field }) => /^status\b/.test(field));
    // The operator writes a damaged status again.
    return isStatusWrong ? validate(value, { metadata }, old) : result;
  };

  const forget = async (key: ObjectKey) => {
    await statusFiles.remove(key);
    await records.drop(key);
    cache.remove(key);
    cache.announce(key, 'foreign');
  };

  const reassign = async <K extends CustomKind>(
    key: ObjectKey<K>,
    assigned: Partial<ObjectRecord['metadata']>,
    change: Change,
  ) => {
    const record = records.get(key);
    const object = cache.get(key.kind, key.namespace, key.name);
    if (!record || !object) throw new ClusterError('not_found', key, 'is gone');
    const metadata = { ...record.metadata, ...assigned };
    await records.keep({ ...record, metadata });
    cache.put(key.kind, { ...object, metadata: { ...object.metadata, ...metadata } });
    cache.announce(key, change);
  };

  /** An earlier version may have accepted the object. It then stays as it is until the files state a valid one. */
  const loadFormer = async (
    { value, metadata }: { readonly value: JsonValue; readonly metadata: ObjectRecord['metadata'] },
    key: ObjectKey<CustomKind>,
  ) => {
    const result = await read(key, value, metadata, undefined, storedValidators[key.kind]);
    if ('object' in result) cache.put<Kind>(key.kind, result.object);
  };

  const load = async ({ value, metadata }: ObjectRecord, key: ObjectKey) => {
    if (value === undefined) return;
    const result = await read(key, value, metadata);
    if ('object' in result) cache.put(key.kind, result.object);
    else if (isCustomKey(key)) await loadFormer({ value, metadata }, key);
  };

  return {
    load: async () => {
      for (const record of records.all()) await load(record, record.key);
    },

    apply: async (key, value, file) => {
      const record = records.get(key);
      // An object that is being deleted does not change. Once it is gone, the files state a new object.
      if (record?.metadata.deletionTimestamp !== undefined) return [];
      if (record?.owner === 'operator') return [{ field: 'metadata.name', message: 'is a Secret that Chaperone made' }];
      const before = cache.get(key.kind, key.namespace, key.name);
      const metadata = record?.metadata ?? newMetadata(now());
      const result = await read(key, value, metadata, before);
      if ('problems' in result) return result.problems;

      const isOther = before !== undefined && !isDeepStrictEqual(contentOf(before), contentOf(result.object));
      const generation = metadata.generation + (isOther ? 1 : 0);
      const object = { ...result.object, metadata: { ...result.object.metadata, generation } };
      await records.keep({
        key,
        owner: 'files',
        ...(file !== undefined && { file }),
        metadata: { ...metadata, generation },
        ...(isCustomKind(key.kind) && { value }),
      });
      if (isDeepStrictEqual(before, object)) return [];
      cache.put(key.kind, object);
      cache.announce(key, 'foreign');
      return [];
    },

    delete: async (key) => {
      const { finalizers = [], deletionTimestamp } = records.get(key)?.metadata ?? {};
      if (finalizers.length === 0 || !isCustomKey(key)) await forget(key);
      else if (deletionTimestamp === undefined) await reassign(key, { deletionTimestamp: timestamp(now()) }, 'foreign');
    },

    updateStatus: async (key, status) => {
      const object = cache.get(key.kind, key.namespace, key.name);
      if (!object) throw new ClusterError('not_found', key, 'is gone');
      if (isDeepStrictEqual(object.status, status)) return;
      await statusFiles.write(key, status);
      cache.put(key.kind, { ...object, status });
      cache.announce(key, 'own');
    },

    addFinalizer: async (key, finalizer) => {
      const { finalizers = [], deletionTimestamp } = records.get(key)?.metadata ?? {};
      if (finalizers.includes(finalizer)) return;
      if (deletionTimestamp !== undefined) throw new ClusterError('conflict', key, 'is being deleted');
      await reassign(key, { finalizers: [...finalizers, finalizer] }, 'own');
    },

    removeFinalizer: async (key, finalizer) => {
      const { finalizers = [], deletionTimestamp } = records.get(key)?.metadata ?? {};
      if (!finalizers.includes(finalizer)) return;
      const remaining = finalizers.filter((name) => name !== finalizer);
      if (remaining.length === 0 && deletionTimestamp !== undefined) await forget(key);
      else await reassign(key, { finalizers: remaining }, 'own');
    },
  };
}

function isCustomKey(key: ObjectKey): key is ObjectKey<CustomKind> {
  return isCustomKind(key.kind);
}

/** The part of an object whose changes raise its generation. */
function contentOf(object: { readonly metadata: unknown; readonly status?: unknown }): object {
  const { metadata: _metadata, status: _status, ...content } = object;
  return content;
}
