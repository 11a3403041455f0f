import type { Change, ChangeListener, Kind, ObjectKey, Resources } from './cluster.ts';
import { forKinds } from './kinds.ts';
import { type ObjectPath, pathOf } from './object-key.ts';

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
  const stores: { readonly [K in Kind]: Map<ObjectPath, Resources[K]> } = forKinds(() => new Map());
  const listeners = new Set<ChangeListener>();
  return {
    get: (kind, namespace, name) => stores[kind].get(pathOf({ namespace, name })),
    list: (kind) => [...stores[kind].values()],
    put: (kind, object) => {
      stores[kind].set(pathOf(object.metadata), object);
    },
    remove: (key) => {
      stores[key.kind].delete(pathOf(key));
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
