import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Assigned } from '../../../crds/assigned.ts';
import type { JsonValue, StructuralSchema } from '../../../crds/definition.ts';
import { compileStructuralSchema, type Validate } from '../../../crds/structural-schema.ts';
import type { ObjectKey } from '../cluster.ts';
import { cachedKinds } from '../kinds.ts';
import { idOf } from '../object-key.ts';
import type { StateFiles } from './state-files.ts';

/** The facts about an object besides its content. */
export interface ObjectRecord {
  readonly key: ObjectKey;
  /** `operator` for the Secrets that the operator applied. */
  readonly owner: 'files' | 'operator';
  /** The file that states it; absent for a namespace that is only mentioned. */
  readonly file?: string;
  readonly metadata: Assigned['metadata'];
  /** Labels, for a Secret of the operator. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The last applied value, for our own kinds only: a Secret from a file is not copied to disk. */
  readonly value?: JsonValue;
}

const text: StructuralSchema = { type: 'string' };

const schema: StructuralSchema = {
  type: 'object',
  required: ['key', 'owner', 'metadata'],
  properties: {
    key: {
      type: 'object',
      required: ['kind', 'namespace', 'name'],
      properties: { kind: { ...text, enum: [...cachedKinds] }, namespace: text, name: text },
    },
    owner: { type: 'string', enum: ['files', 'operator'] },
    file: text,
    metadata: {
      type: 'object',
      required: ['uid', 'generation', 'creationTimestamp'],
      properties: {
        uid: text,
        generation: { type: 'integer' },
        creationTimestamp: text,
        deletionTimestamp: text,
        finalizers: { type: 'array', items: text },
      },
    },
    labels: { type: 'object', additionalProperties: text },
    value: { 'x-kubernetes-preserve-unknown-fields': true },
  },
};

/** The records of all objects, in memory and on disk. */
export interface Records {
  /** Loads the records of an earlier process. Unreadable records are skipped. */
  load(): Promise<void>;
  get(key: ObjectKey): ObjectRecord | undefined;
  all(): readonly ObjectRecord[];
  keep(record: ObjectRecord): Promise<void>;
  drop(key: ObjectKey): Promise<void>;
}

export function makeRecords(files: StateFiles): Records {
  const records = new Map<string, ObjectRecord>();
  return {
    load: async () => {
      const validate: Validate<ObjectRecord> = compileStructuralSchema(schema);
      for (const result of (await files.readAll()).map((value) => validate(value))) {
        if ('object' in result) records.set(idOf(result.object.key), result.object);
      }
    },
    get: (key) => records.get(idOf(key)),
    all: () => [...records.values()],
    keep: async (record) => {
      if (isDeepStrictEqual(records.get(idOf(record.key)), record)) return;
      await files.write(record.key, record);
      records.set(idOf(record.key), record);
    },
    drop: async (key) => {
      await files.remove(key);
      records.delete(idOf(key));
    },
  };
}

/** The assigned metadata of a new object. */
export function newMetadata(now: Date): ObjectRecord['metadata'] {
  return { uid: randomUUID(), generation: 1, creationTimestamp: timestamp(now) };
}

/** RFC 3339 in whole seconds, as the API server writes times. */
export function timestamp(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
