import type { CustomKind } from '../../../crds/definition.ts';
import type { FieldManager, ObjectMeta } from '../../../crds/object-meta.ts';
import type { ObjectKey, Resources } from '../cluster.ts';
import { type KnownKind, kinds } from '../kinds.ts';
import type { ApiMetadata, ApiObject, ManagedFields } from './api-object.ts';
import { fieldManager } from './field-manager.ts';

export function apiVersionOf(kind: KnownKind): string {
  return kinds[kind].apiVersion;
}

/** The path of all objects of a kind, in all namespaces. */
export function collectionPath(kind: KnownKind): string {
  return namespacedPath(kind, '');
}

/** The path of the objects of a kind in a namespace. The namespace is empty for a cluster-scoped kind. */
export function namespacedPath(kind: KnownKind, namespace: string): string {
  const { apiVersion, plural } = kinds[kind];
  // The group of the core kinds has no name.
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}${namespace === '' ? '' : `/namespaces/${namespace}`}/${plural}`;
}

/** The path of one object. */
export function objectPath({ kind, namespace, name }: ObjectKey): string {
  return `${namespacedPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

/** An object of our kinds as the API server sends it: validated and with defaults. */
export type CustomApiObject<K extends CustomKind> = ApiObject & Resources[K];

/** A Secret or a ConfigMap as the API server sends it. A Secret's values are base64. */
export interface ContentApiObject extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
  /** A ConfigMap's values that are not UTF-8. */
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** The object as the operator keeps it: without fields that only the API server and kubectl need. */
export function withoutBookkeeping<R extends { readonly metadata: ObjectMeta }>(object: ApiObject & R): R {
  const { managedFields = [] } = object.metadata;
  return { ...object, metadata: { ...toObjectMeta(object.metadata), managers: managedFields.flatMap(toManager) } };
}

/** The managers of what people state: not of the status, and not the operator itself, which adds finalizers. */
function toManager({ manager, operation = '', time = '', subresource, fieldsV1 }: ManagedFields): FieldManager[] {
  if (manager === undefined || manager === fieldManager || subresource || !fieldsV1) return [];
  return [{ manager, operation, time, fields: JSON.stringify(fieldsV1) }];
}

export function toSecret({ metadata, data = {} }: ContentApiObject): Resources['Secret'] {
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
  return { apiVersion: 'v1', kind: 'Secret', metadata: toObjectMeta(metadata), data: Object.fromEntries(decoded) };
}

export function toConfigMap({ metadata, data = {}, binaryData }: ContentApiObject): Resources['ConfigMap'] {
  const binary = binaryData && { binaryKeys: Object.keys(binaryData) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: toObjectMeta(metadata), data, ...binary };
}

export function toNamespace({ metadata }: ApiObject): Resources['Namespace'] {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: toObjectMeta(metadata) };
}

/** The annotation in which `kubectl apply` stores the last applied manifest. */
export const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function toObjectMeta({ managedFields, resourceVersion, annotations, ...metadata }: ApiMetadata): ObjectMeta {
  const { [lastApplied]: _, ...rest } = annotations ?? {};
  return { ...metadata, ...(annotations && { annotations: rest }), generation: metadata.generation ?? 1 };
}
