import type { ApiMetadata } from './api-object.ts';
import { type CustomApiObject, lastApplied } from './resources.ts';

/**
 * An Organization without the `defaultRoles: [admin]` that the schema of an earlier version filled in, and which the API
 * server has kept since: nobody stated it, so it may end with the default. Where that cannot be told, it counts as stated.
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
 * Whether somebody stated the field. Whoever has the server apply owns what the manifest states. Whoever creates or updates
 * owns what was filled in, too; but who applies as `kubectl apply` does by default notes the manifest in an annotation.
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
