import type { StructuralSchema } from './definition.ts';

/** What a person may write as `metadata`; the rest of it is assigned. */
export interface AppliedMetadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

const subdomain = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';

/** `ObjectMeta` with the API server's own rules, as far as a file may state it. */
export const metadataSchema: StructuralSchema = {
  type: 'object',
  required: ['name'],
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
    ...assignedFields(),
  },
};

/** They stand in what `kubectl get -o yaml` writes, and are nobody's to state. */
function assignedFields(): Readonly<Record<string, StructuralSchema>> {
  const names = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'];
  return Object.fromEntries(names.map((name) => [name, { 'x-kubernetes-preserve-unknown-fields': true }]));
}
