import type { Kind, ObjectKey, Resources } from './cluster.ts';

/** A unique text for each key, for maps. */
export function idOf({ kind, namespace, name }: ObjectKey): string {
  return `${kind}/${namespace}/${name}`;
}

/** The key of an object. */
export function keyOf<K extends Kind>({ kind, metadata }: Located<K>): ObjectKey<K> {
  return { kind, namespace: metadata.namespace ?? '', name: metadata.name };
}

/** The fields of an object that make its key. */
interface Located<K extends Kind> {
  readonly kind: K;
  readonly metadata: Pick<Resources[Kind]['metadata'], 'namespace' | 'name'>;
}

/** Formats a key for people: `Persona default/support-agent`, `Organization acme`. */
export function describeKey({ kind, namespace, name }: ObjectKey): string {
  return `${kind} ${pathOf({ namespace, name })}`;
}

declare const isPath: unique symbol;

/**
 * An object's namespace and name in one text: `default/support-agent`, or `acme` where the kind has no namespaces. It
 * identifies an object among those of its kind: in a queue, in logs, and in the column `resource` of the rows that the
 * object owns. Only `pathOf` makes it, and only `readPath` reads it.
 */
export type ObjectPath = string & { readonly [isPath]: true };

/** @param place `namespace` is empty or absent for a cluster-scoped kind */
export function pathOf({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): ObjectPath {
  const path: string = namespace === '' ? name : `${namespace}/${name}`;
  return path as ObjectPath;
}

/** Reads a path. The namespace of a cluster-scoped kind is empty. Names contain no slash. */
export function readPath(path: string): Pick<ObjectKey, 'namespace' | 'name'> {
  const slash = path.indexOf('/');
  return { namespace: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}
