import { apiVersion } from '../../crds/definition.ts';
import { customKindEntries, forCustomKinds } from '../../crds/kinds.generated.ts';
import type { Kind } from './cluster.ts';

/**
 * How the operator reads a kind. `whole`: it watches every object. `owned`: it watches the objects that it made.
 * `metadata`: it watches the metadata of every other object, and reads by name those that a resource refers to.
 * `survey`: it watches the metadata, and no object is in the cache.
 */
export type Reading = 'whole' | 'owned' | 'metadata' | 'survey';

/** What the operator writes of a kind. */
export type Writing = 'status' | 'finalizers' | 'objects';

export interface KindEntry {
  readonly apiVersion: string;
  /** The API server's plural name. */
  readonly plural: string;
  readonly scope: 'Cluster' | 'Namespaced';
  readonly reads: readonly Reading[];
  readonly writes: readonly Writing[];
}

/** Every kind that the operator knows: those in its cache, and Pods. */
export type KnownKind = Kind | 'Pod';

const custom = forCustomKinds((kind): KindEntry => {
  const { plural, scope } = customKindEntries[kind];
  return { apiVersion, plural, scope, reads: ['whole'], writes: ['status', 'finalizers'] };
});

/**
 * The registry of kinds: one entry each. The cache, the watches, the paths of the API server, the scopes in local mode and
 * the operator's rights in the chart follow from it. Those of our own kinds follow from their definitions.
 */
export const kinds: { readonly [K in KnownKind]: KindEntry } = {
  ...custom,
  Secret: {
    ...{ apiVersion: 'v1', plural: 'secrets', scope: 'Namespaced' },
    ...{ reads: ['owned', 'metadata'], writes: ['objects'] },
  },
  ConfigMap: { apiVersion: 'v1', plural: 'configmaps', scope: 'Namespaced', reads: ['metadata'], writes: [] },
  Namespace: { apiVersion: 'v1', plural: 'namespaces', scope: 'Cluster', reads: ['whole'], writes: [] },
  Pod: { apiVersion: 'v1', plural: 'pods', scope: 'Namespaced', reads: ['survey'], writes: [] },
};

/** Makes something for each kind in the cache. */
export function forKinds<T>(make: (kind: Kind) => T): Readonly<Record<Kind, T>> {
  const core = { Secret: make('Secret'), ConfigMap: make('ConfigMap'), Namespace: make('Namespace') };
  return { ...forCustomKinds(make), ...core };
}

/** The kinds in the cache. */
export const cachedKinds: readonly Kind[] = Object.keys(kinds).filter(isKind);

export function isKind(kind: unknown): kind is Kind {
  return typeof kind === 'string' && kind !== 'Pod' && Object.hasOwn(kinds, kind);
}
