import type { ResourceKind } from '../../../database/owned-resources.ts';
import { asObject, asString } from '../operations/json.ts';
import type { Body } from '../operations/operation.ts';

/** Something kept at the provider that a body names. Containers are known to nobody here: none is ever found. */
export interface Reference {
  readonly kind: ResourceKind | 'container';
  readonly id: string;
  /** The field, for errors. */
  readonly param: string;
}

/** Fields whose texts are ids, wherever in a body they stand. */
const fields: Readonly<Record<string, ResourceKind | 'container'>> = {
  file_id: 'file',
  file_ids: 'file',
  input_file_id: 'file',
  vector_store_id: 'vector_store',
  vector_store_ids: 'vector_store',
  conversation: 'conversation',
  container: 'container',
};

export const referringFields: readonly string[] = [...Object.keys(fields), 'container_id'];

/** What is the caller's own text or a schema, and refers to nothing. */
const opaque = new Set(['metadata', 'attributes', 'parameters', 'schema']);

const signs = [
  // Covers `input_file_id` and the lists of each.
  'file_id',
  'vector_store_id',
  '"conversation"',
  '"container',
  // A field's name may be written with escapes.
  '\\u00',
].map((sign) => Buffer.from(sign));

/** Whether it is worth looking for references: a search in the bytes, which is all that most calls pay. */
export function mayRefer(raw: Buffer): boolean {
  return signs.some((sign) => raw.includes(sign));
}

/** Everything that a body refers to, each once. */
export function findReferences(body: Body): Reference[] {
  const found = new Map<string, Reference>();
  const note = (kind: Reference['kind'], value: unknown, param: string) => {
    for (const id of Array.isArray(value) ? value : [value]) {
      if (typeof id === 'string' && id !== '') found.set(`${kind} ${id}`, { kind, id, param });
    }
  };
  // Not by recursion: a body may nest deeper than the stack.
  const open: unknown[] = [body];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) for (const element of value) open.push(element ?? null);
    const object = asObject(value);
    if (!object) continue;
    for (const [name, child] of Object.entries(object)) {
      const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (kind) note(kind, child, name);
      if (kind === 'conversation') note(kind, asObject(child)?.id, name);
      if (name === 'container_id' && object.type === 'container_reference') note('container', asString(child), name);
      if (typeof child === 'object' && child !== null && !opaque.has(name)) open.push(child);
    }
  }
  return [...found.values()];
}
