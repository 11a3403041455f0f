import type { ObjectMeta } from '../../crds/object-meta.ts';
import type { ApiKeyBinding, Organization, Persona } from '../../crds/resources.generated.ts';
import type { Cluster, Kind, ObjectKey, ResourceOf, Secret } from '../../operator/cluster/cluster.ts';
import { organizationSpec } from '../database/tenant.ts';

type Objects = { readonly [K in Kind]?: readonly ResourceOf<K>[] };

/** A cluster of these objects for functions that only look. */
export function makeMemoryCluster(objects: Objects): Pick<Cluster, 'get' | 'list'> {
  const list = <K extends Kind>(kind: K): readonly ResourceOf<K>[] => objects[kind] ?? [];
  return {
    list,
    get: (kind, namespace, name) =>
      list(kind).find(({ metadata }) => metadata.name === name && (metadata.namespace ?? '') === namespace),
  };
}

export function keyOf(kind: Kind, path: string): ObjectKey {
  const [namespace = '', name] = path.includes('/') ? path.split('/') : ['', path];
  return { kind, namespace, name: name ?? path };
}

export function makeMeta(path: string, changes: Partial<ObjectMeta> = {}): ObjectMeta {
  const { namespace, name } = keyOf('Namespace', path);
  return {
    name,
    ...(namespace !== '' && { namespace }),
    uid: `uid of ${path}`,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...changes,
  };
}

export function makeOrganization(
  name: string,
  spec: Partial<Organization['spec']> = {},
  changes: Partial<Omit<Organization, 'spec'>> = {},
): Organization {
  return {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'Organization',
    metadata: makeMeta(name),
    spec: { ...organizationSpec, ...spec },
    ...changes,
  };
}

export function makePersonaResource(path: string, spec: Partial<Persona['spec']> = {}): Persona {
  return {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'Persona',
    metadata: makeMeta(path),
    spec: { organizationRef: { name: 'acme' }, name: 'support', users: [], active: true, ...spec },
  };
}

export function makeBinding(path: string, spec: Partial<ApiKeyBinding['spec']> = {}): ApiKeyBinding {
  return {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'ApiKeyBinding',
    metadata: makeMeta(path),
    spec: {
      organizationRef: { name: 'acme' },
      provider: 'openai',
      secretKeyRef: { name: 'openai-key', key: 'api-key' },
      active: true,
      ...spec,
    },
  };
}

export function makeSecret(path: string): Secret {
  return { apiVersion: 'v1', kind: 'Secret', metadata: makeMeta(path), data: {} };
}
