import type { ApiMetadata } from './api-object.ts';
import { type CustomApiObject, lastApplied } from './resources.ts';

/**
 * Removes the `defaultRoles: [admin]` that an earlier version's schema filled in as a default and that the API server
 * has stored. Nobody stated it, so it ends with the default. Where that is unclear, the value counts as stated.
 */
export function withoutFormerDefaults(object: CustomApiObject<'Organization'>): CustomApiObject<'Organization'> {
  const { defaultRoles, ...authentication } = object.spec.authentication ?? {};
  const isFormerDefault = defaultRoles?.length === 1 && defaultRoles[0] === 'admin';
  if (!isFormerDefault || isStated(object.metadata)) return object;
  return { ...object, spec: { ...object.spec, authentication } };
}

const path = ['spec', 'authentication', 'defaultRoles'] as const;
const ownsField = path.map((name) => `f:${name}`);
const ownsManifest = ['f:metadata', 'f:annotations', `f:${lastApplied}`];

/**
 * Whether somebody stated the field. The manager of a server-side apply owns only the fields of the manifest. The
 * manager of a create or an update also owns defaulted fields; but client-side `kubectl apply` stores the manifest in
 * an annotation.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
function isStated({ annotations, managedFields = [] }: ApiMetadata): boolean {
  const manifest = annotations?.[lastApplied];
  if (manifest !== undefined && find(parse(manifest), path) !== undefined) return true;
  return managedFields.some(
    ({ fieldsV1 }) => find(fieldsV1, ownsField) !== undefined && find(fieldsV1, ownsManifest) === undefined,
  );
}

function find(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined || typeof value !== 'object' || value === null) return name === undefined ? value : undefined;
  return find(new Map<string, unknown>(Object.entries(value)).get(name), rest);
}

function parse(manifest: string): unknown {
  try {
    return JSON.parse(manifest);
  } catch {
    return undefined;
  }
}
