import { createHash } from 'node:crypto';
import type { UploadedFile } from './generation.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** A form, for an endpoint and for the accounts. */
export interface FormBody {
  body: JsonObject;
  files: UploadedFile[];
  /** The fields as JSON, with the name, size and digest of each file. */
  text: string;
}

/** Fields that are not text in a JSON body. */
const numbers = new Set(['n', 'temperature', 'partial_images', 'output_compression']);
const booleans = new Set(['stream']);

/** Reads the fields of a form: `a[]` is an element of a list, and `a[b]` is a field of an object. */
export async function readFormBody(form: FormData): Promise<FormBody> {
  const body: JsonObject = {};
  const files: UploadedFile[] = [];
  for (const [name, value] of form) {
    if (typeof value === 'string') addField(body, name, value);
    else files.push({ field: name, name: value.name, bytes: await value.bytes() });
  }
  const kept = files.map(({ field, name, bytes }) => ({
    field,
    name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  return { body, files, text: JSON.stringify({ ...body, files: kept }) };
}

function addField(body: JsonObject, name: string, text: string): void {
  const [, base = name, inner] = /^([^[]+)\[([^\]]*)\]$/.exec(name) ?? [];
  const before = body[base];
  if (inner === undefined) body[base] = readValue(base, text);
  else if (inner === '') body[base] = [...(Array.isArray(before) ? before : []), text];
  else body[base] = { ...(typeof before === 'object' && !Array.isArray(before) ? before : {}), [inner]: text };
}

function readValue(name: string, text: string): JsonValue {
  if (booleans.has(name) && (text === 'true' || text === 'false')) return text === 'true';
  if (numbers.has(name) && text !== '' && Number.isFinite(Number(text))) return Number(text);
  return text;
}
