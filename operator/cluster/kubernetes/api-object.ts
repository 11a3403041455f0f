/** The fields of every API object that are read here. */
export interface ApiObject {
  readonly metadata: ApiMetadata;
}

export interface ApiMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly finalizers?: readonly string[];
  /** The prefix of a name that the server generated. */
  readonly generateName?: string;
  readonly ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller?: boolean;
  }[];
  readonly managedFields?: readonly ManagedFields[];
}

/** `ManagedFieldsEntry` of the API server. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsV1?: object;
}

/**
 * Whether one resource version is later than another of the same resource.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions: decimal numbers without bound
 */
export function isLater(version: string, than: string): boolean {
  if (version.length !== than.length) return version.length > than.length;
  return version > than;
}
