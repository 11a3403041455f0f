import {
  apiVersion,
  type CustomKind,
  type Definition,
  type JsonValue,
  readDefinition,
  type StructuralSchema,
} from './definition.ts';
import { type AppliedMetadata, metadataSchema } from './metadata-schema.ts';
import type { Resources } from './resources.generated.ts';
import { isJsonObject } from './schema-node.ts';
import { compileStructuralSchema, type Validate } from './structural-schema.ts';

/** A valid object of one of our kinds, with its defaults; not yet known to a cluster. */
export interface Applied<K extends CustomKind> {
  apiVersion: typeof apiVersion;
  kind: K;
  metadata: AppliedMetadata;
  spec: Resources[K]['spec'];
}

/**
 * Makes the function that completes and validates objects of a kind as the API server would, by its
 * CustomResourceDefinition, which is read and compiled when the first object comes. A status is ignored: as at the API
 * server, it is not for people to write.
 *
 * @param directory where the CustomResourceDefinitions stand; this folder unless they were copied elsewhere
 */
export function makeValidator<K extends CustomKind>(kind: K, directory?: string): Validate<Applied<K>> {
  let validate: Validate<Applied<K>> | undefined;
  return (value, old) => {
    validate ??= compileStructuralSchema(appliedSchema(readDefinition(kind, directory)));
    return validate(withoutStatus(value), old);
  };
}

function withoutStatus(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const { status: _status, ...applied } = value;
  return applied;
}

function appliedSchema({ kind, scope, schema }: Definition): StructuralSchema {
  const { status: _status, ...properties } = schema.properties ?? {};
  const { namespace: _namespace, ...clusterMetadata } = metadataSchema.properties ?? {};
  return {
    ...schema,
    required: ['apiVersion', 'kind', 'metadata', ...(schema.required ?? [])],
    properties: {
      ...properties,
      apiVersion: { type: 'string', enum: [apiVersion] },
      kind: { type: 'string', enum: [kind] },
      metadata: scope === 'Cluster' ? { ...metadataSchema, properties: clusterMetadata } : metadataSchema,
    },
  };
}
