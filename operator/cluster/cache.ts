import type { Change, ChangeListener, Kind, ObjectKey, Resources } from './cluster.ts';

/** All known objects by key, and the listeners for changes. */
export interface Cache {
  get<K extends Kind>(kind: K, namespace: string, name: string): Resources[K] | undefined;
  list<K extends Kind>(kind: K): readonly Resources[K][];
  put<K extends Kind>(kind: K, object: Resources[K]): void;
  remove(key: ObjectKey): void;
  subscribe(listener: ChangeListener): () => void;
  announce(key: ObjectKey, change: Change): void;
}

export function makeCache(): Cache {
  const stores: { readonly [K in Kind]: Map<string, Resources[K]> } = {
    Organization: new Map(),
    Persona: new Map(),
    ApiKeyBinding: new Map(),
    AnalysisConfig: new Map(),
    Secret: new Map(),
    ConfigMap: new Map(),
    Namespace: new Map(),
  };
  const listeners = new Set<ChangeListener>();
  return {
    get: (kind, namespace, name) => stores[kind].get(`${namespace}/${name}`),
    list: (kind) => [...stores[kind].values()],
    put: (kind, object) => {
      const { namespace = '', name } = object.metadata;
      stores[kind].set(`${namespace}/${name}`, object);
    },
    remove: ({ kind, namespace, name }) => {
      stores[kind].delete(`${namespace}/${name}`);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    announce: (key, change) => {
      for (const listener of listeners) listener(key, change);
    },
  };
}
