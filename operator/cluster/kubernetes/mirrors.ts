import type { CustomKind } from '../../../crds/definition.ts';
import { forCustomKinds } from '../../../crds/kinds.generated.ts';
import type { Kind, ObjectKey, Resources } from '../cluster.ts';
import { idOf, keyOf } from '../object-key.ts';
import type { Admission } from './admission.ts';
import type { ApiObject } from './api-object.ts';
import { withoutFormerDefaults } from './former-defaults.ts';
import { type Mirror, makeMirror } from './mirror.ts';
import type { Versioned } from './reflector.ts';
import { type ContentApiObject, type CustomApiObject, toNamespace, toSecret, withoutBookkeeping } from './resources.ts';

/** Decodes the API server's objects of a kind, and keeps them. */
export interface KindMirror<O extends ApiObject, T> {
  readonly decode: (object: O) => T;
  readonly mirror: Mirror<T>;
}

export interface Mirrors {
  readonly custom: Readonly<Record<CustomKind, KindMirror<CustomApiObject<CustomKind>, Resources[CustomKind]>>>;
  readonly namespaces: KindMirror<ApiObject, Resources['Namespace']>;
  /** The Secrets that the operator made. */
  readonly secrets: KindMirror<ContentApiObject, Resources['Secret']>;
}

export function makeMirrors(admission: Admission): Mirrors {
  const make = <K extends Kind, O extends ApiObject>(
    kind: K,
    decode: (object: O) => Resources[K],
  ): KindMirror<O, Resources[K]> => ({
    decode,
    mirror: makeMirror<Resources[K]>((object) => idOf(keyOf(object)), {
      put: (_, object) => admission.put(kind, object),
      remove: (_, object) => admission.remove(kind, object),
    }),
  });
  return {
    custom: forCustomKinds((kind) => make<CustomKind, CustomApiObject<CustomKind>>(kind, decode)),
    namespaces: make('Namespace', toNamespace),
    secrets: make('Secret', toSecret),
  };
}

/** An Organization may have stored defaults of an earlier version. */
function decode(object: CustomApiObject<CustomKind>): Resources[CustomKind] {
  return withoutBookkeeping<Resources[CustomKind]>(
    object.kind === 'Organization' ? withoutFormerDefaults(object) : object,
  );
}

/** Puts the answer to one of our writes into the mirror. */
export function learn<O extends ApiObject, T>({ decode, mirror }: KindMirror<O, T>, answer: O): void {
  mirror.learn(versioned(decode, answer));
}

export function versioned<O extends ApiObject, T>(decode: (object: O) => T, object: O): Versioned<T> {
  return { object: decode(object), version: object.metadata.resourceVersion };
}

/** The latest known version of an object of our kinds. The cache may not have it yet. */
export function findKnown(mirrors: Mirrors, key: ObjectKey<CustomKind>): Versioned<Resources[CustomKind]> | undefined {
  return mirrors.custom[key.kind].mirror.get(idOf(key));
}
