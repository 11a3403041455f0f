import type { JsonValue, StructuralSchema } from './definition.ts';
import { isJsonObject } from './schema-node.ts';

/** What is not for a person to write: a cluster assigns it. */
export interface Assigned {
  readonly metadata: {
    readonly uid: string;
    readonly generation: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
  readonly status?: JsonValue;
}

const subdomain = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';

/** `ObjectMeta` with the API server's own rules. */
export const metadataSchema: StructuralSchema = {
  type: 'object',
  required: ['name', 'uid', 'generation', 'creationTimestamp'],
  properties: {
    name: { type: 'string', maxLength: 253, pattern: subdomain },
    namespace: { type: 'string', maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
    labels: {
      type: 'object',
      additionalProperties: {
        type: 'string',
        maxLength: 63,
        pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$',
      },
    },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
    finalizers: { type: 'array', items: { type: 'string' } },
    uid: { type: 'string' },
    generation: { type: 'integer' },
    creationTimestamp: { type: 'string' },
    deletionTimestamp: { type: 'string' },
  },
};

/** The object with what is assigned to it; whatever it says itself of that is ignored, as the API server does. */
export function assign(value: JsonValue, { metadata, status }: Assigned): JsonValue {
  if (!isJsonObject(value)) return value;
  const { status: _status, ...object } = value;
  if (!isJsonObject(object.metadata)) return object;
  const { deletionTimestamp, resourceVersion, managedFields, selfLink, ...own } = object.metadata;
  return { ...object, metadata: { ...own, ...metadata }, ...(status !== undefined && { status }) };
}
