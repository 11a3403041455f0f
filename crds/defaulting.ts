import type { JsonValue, StructuralSchema } from './definition.ts';
import { fieldPath, fieldSchema, isJsonArray, isJsonObject } from './schema-node.ts';

/**
 * Completes a value as the API server does before it validates: drops nulls that the schema does not allow, fills in
 * defaults (those inside a defaulted object too), and finds the fields that the schema does not know.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable
 */
export function complete(schema: StructuralSchema, value: JsonValue): { value: JsonValue; unknownFields: string[] } {
  const unknownFields: string[] = [];
  return { value: completeNode(schema, value, '', unknownFields), unknownFields };
}

function completeNode(schema: StructuralSchema, value: JsonValue, path: string, unknownFields: string[]): JsonValue {
  if (isJsonArray(value) && schema.items) {
    const { items } = schema;
    return value.map((item, index) => completeNode(items, item, `${path}[${index}]`, unknownFields));
  }
  if (!isJsonObject(value) || schema.type !== 'object') return value;

  const fields: [string, JsonValue][] = [];
  for (const [name, field] of Object.entries(value)) {
    const child = fieldSchema(schema, name);
    const childPath = fieldPath(path, name);
    if (child) {
      if (field !== null || child.nullable) fields.push([name, completeNode(child, field, childPath, unknownFields)]);
    } else if (schema['x-kubernetes-preserve-unknown-fields']) {
      fields.push([name, field]);
    } else {
      unknownFields.push(childPath);
    }
  }
  const present = new Set(fields.map(([name]) => name));
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (child.default === undefined || present.has(name)) continue;
    fields.push([name, completeNode(child, child.default, fieldPath(path, name), unknownFields)]);
  }
  return Object.fromEntries(fields);
}
