import type { ResourceKind } from '../../../database/owned-resources.ts';
import { ProxyError } from '../../error.ts';
import { asArray, asObject, asString, type Body } from '../operations/json.ts';
import { isSaidInFull } from './items.ts';

/**
 * What a body may name: what callers make by request, and parts of answers. Prompts, skills and voices are no caller's:
 * whoever administers the provider's account has made them for all who use it.
 */
export type ReferredKind = ResourceKind | 'item' | 'container';

/** Something kept at the provider that a body names. */
export interface Reference {
  readonly kind: ReferredKind;
  readonly id: string;
  /** The field, for errors. */
  readonly param: string;
}

/** Fields whose texts are ids, wherever in a body they stand. */
const fields: Readonly<Record<string, ReferredKind>> = {
  file_id: 'file',
  file_ids: 'file',
  input_file_id: 'file',
  vector_store_id: 'vector_store',
  vector_store_ids: 'vector_store',
  conversation: 'conversation',
  container: 'container',
  container_id: 'container',
  approval_request_id: 'item',
};

/** Fields whose objects have an id, wherever in a body they stand. */
const objects: Readonly<Record<string, ReferredKind>> = {
  conversation: 'conversation',
  // What a model said before.
  audio: 'item',
};

export const referringFields: readonly string[] = [...new Set([...Object.keys(fields), ...Object.keys(objects)])];

/** What is the caller's own text or a schema, or what an answer said of its sources: it refers to nothing. */
const opaque = new Set(['metadata', 'attributes', 'parameters', 'schema', 'annotations']);

const signs = [
  // Covers `input_file_id` and the lists of each.
  'file_id',
  'vector_store_id',
  '"conversation"',
  '"container',
  '"approval_request_id"',
  // A field's name may be written with escapes.
  '\\u00',
].map((sign) => Buffer.from(sign));

const itemSign = Buffer.from('"id"');
const audioSign = Buffer.from('"audio"');

/** Whether it is worth looking for references: a search in the bytes, which is all that most calls pay. */
export function mayRefer(raw: Buffer, { input, messages }: Body): boolean {
  return (
    signs.some((sign) => raw.includes(sign)) ||
    (Array.isArray(input) && raw.includes(itemSign)) ||
    (Array.isArray(messages) && raw.includes(audioSign))
  );
}

/** Everything that a body refers to, each once. */
export function findReferences(body: Body): Reference[] {
  const found = new Map<string, Reference>();
  const note = (kind: ReferredKind, value: unknown, param: string) => {
    for (const id of Array.isArray(value) ? value : [value]) {
      if (typeof id === 'string' && id !== '') found.set(`${kind} ${id}`, { kind, id, param });
    }
  };
  for (const list of ['input', 'items']) {
    for (const item of asArray(body[list]).map(asObject)) if (item && !isSaidInFull(item)) note('item', item.id, list);
  }
  // Not by recursion: a body may nest deeper than the stack.
  const open: unknown[] = [body];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) for (const element of value) open.push(element ?? null);
    const object = asObject(value);
    if (!object) continue;
    for (const [name, child] of Object.entries(object)) {
      if (Object.hasOwn(fields, name)) note(fields[name] ?? 'file', child, name);
      if (Object.hasOwn(objects, name)) note(objects[name] ?? 'item', asString(asObject(child)?.id), name);
      if (typeof child === 'object' && child !== null && !opaque.has(name)) open.push(child);
    }
  }
  return [...found.values()];
}

/** Fields of forms that are files: as text they could be the id of one. */
const formFiles: readonly string[] = ['file', 'image', 'images', 'mask'];

/**
 * Refuses a form that names something at the provider: forms bring their files with them.
 *
 * @param form its text fields
 * @throws {ProxyError} `invalid_request`
 */
export function refuseFormReferences(form: Readonly<Record<string, unknown>>): void {
  for (const name in form) {
    const [base = '', ...inner] = name.split(/[[\].]+/);
    const isFile = formFiles.includes(base);
    const refers = Object.hasOwn(fields, base) || inner.some((part) => referringFields.includes(part) || part === 'id');
    if (!isFile && !refers) continue;
    const message = `${name}: a form cannot refer to what is kept at the provider; it must send the file itself`;
    throw new ProxyError('invalid_request', { param: name, message });
  }
}
