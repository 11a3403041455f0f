import type { JsonValue, StructuralSchema } from './definition.ts';

export type JsonObject = { readonly [key: string]: JsonValue };

/** A value with the schema that governs it, and where it stands. */
export interface SchemaNode {
  readonly schema: StructuralSchema;
  readonly value: JsonValue;
  /** The value that it replaces, where the two can be told to be the same field. */
  readonly old: unknown;
  /** As the API server writes it: `spec.providers[0].name`. */
  readonly path: string;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: unknown): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function fieldPath(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}

/** The schema of an object's field: that of its name, else that of all others. */
export function fieldSchema(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  const { properties = {}, additionalProperties } = schema;
  return Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
}

/** The node and all below it that a schema speaks of, from the top down. */
export function* schemaNodes(node: SchemaNode): Generator<SchemaNode> {
  yield node;
  const { schema, value, old, path } = node;
  if (isJsonObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      const child = fieldSchema(schema, name);
      if (!child) continue;
      const oldField = isJsonObject(old) && Object.hasOwn(old, name) ? old[name] : undefined;
      yield* schemaNodes({ schema: child, value: field, old: oldField, path: fieldPath(path, name) });
    }
  } else if (isJsonArray(value) && schema.items) {
    for (const [index, item] of value.entries()) {
      yield* schemaNodes({ schema: schema.items, value: item, old: oldItem(node, item), path: `${path}[${index}]` });
    }
  }
}

/** Items can be told to be the same only in lists of type map, by their keys. */
function oldItem({ schema, old }: SchemaNode, item: JsonValue): JsonValue | undefined {
  const identity = itemIdentity(schema, item);
  if (schema['x-kubernetes-list-type'] !== 'map' || !isJsonArray(old)) return undefined;
  return old.find((candidate) => itemIdentity(schema, candidate) === identity);
}

/** What must be unique in a list: an item's keys in a list of type map, the whole item in others. */
export function itemIdentity(listSchema: StructuralSchema, item: JsonValue): string {
  const keys = listSchema['x-kubernetes-list-map-keys'];
  if (!keys || !isJsonObject(item)) return JSON.stringify(item);
  return JSON.stringify(Object.fromEntries(keys.map((key) => [key, item[key]])));
}
