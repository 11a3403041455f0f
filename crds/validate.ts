import { type Assigned, assign, metadataSchema } from './assigned.ts';
import {
  apiVersion,
  type CustomKind,
  type Definition,
  type JsonValue,
  readDefinition,
  type StructuralSchema,
} from './definition.ts';
import type { Resources } from './resources.generated.ts';
import { compileStructuralSchema, type Validate, type Validation } from './structural-schema.ts';

/**
 * Completes and validates an object as the API server would when it is applied.
 *
 * @param value the object as it was written
 * @param assigned what the cluster adds to it
 * @param old the object that it replaces, for rules on how a field may change
 */
export type Validator<T> = (value: JsonValue, assigned: Assigned, old?: object) => Validation<T>;

/**
 * Makes the validator of a kind from its CustomResourceDefinition, which is read and compiled when the first object
 * comes.
 *
 * @param directory where the CustomResourceDefinitions stand; this folder unless they were copied elsewhere
 */
export function makeValidator<K extends CustomKind>(kind: K, directory?: string): Validator<Resources[K]> {
  let validate: Validate<Resources[K]> | undefined;
  return (value, assigned, old) => {
    validate ??= compileStructuralSchema(objectSchema(readDefinition(kind, directory)));
    return validate(assign(value, assigned), old);
  };
}

/**
 * Makes the validator of objects that an earlier version has stored. It asks nothing of the fields of free-form objects:
 * nobody relies on their types, and that version may have let in what is refused today.
 */
export function makeStoredValidator<K extends CustomKind>(kind: K): Validator<Resources[K]> {
  let validate: Validate<Resources[K]> | undefined;
  return (value, assigned, old) => {
    validate ??= compileStructuralSchema(withoutFreeFields(objectSchema(readDefinition(kind))));
    return validate(assign(value, assigned), old);
  };
}

function withoutFreeFields(schema: StructuralSchema): StructuralSchema {
  const { properties, items, ...rest } = schema;
  if (schema['x-kubernetes-preserve-unknown-fields']) return rest;
  return {
    ...rest,
    ...(items && { items: withoutFreeFields(items) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [name, withoutFreeFields(child)]),
      ),
    }),
  };
}

/** The definition's schema with what the API server knows by itself. */
function objectSchema({ kind, scope, schema }: Definition): StructuralSchema {
  const { namespace: _namespace, ...clusterMetadata } = metadataSchema.properties ?? {};
  return {
    ...schema,
    required: ['apiVersion', 'kind', 'metadata', ...(schema.required ?? [])],
    properties: {
      ...schema.properties,
      apiVersion: { type: 'string', enum: [apiVersion] },
      kind: { type: 'string', enum: [kind] },
      metadata: scope === 'Cluster' ? { ...metadataSchema, properties: clusterMetadata } : metadataSchema,
    },
  };
}
