import type { CustomKind } from '../../crds/definition.ts';
import type { ObjectMeta } from '../../crds/object-meta.ts';
import type { Resources as CustomResources } from '../../crds/resources.generated.ts';

export interface Secret {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: ObjectMeta;
  /** Decoded. */
  readonly data: Readonly<Record<string, Uint8Array>>;
}

export interface ConfigMap {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
  /** The keys whose values are no text. */
  readonly binaryKeys?: readonly string[];
}

export interface Namespace {
  readonly apiVersion: 'v1';
  readonly kind: 'Namespace';
  readonly metadata: ObjectMeta;
}

/** Every kind that the operator reads. */
export interface Resources extends CustomResources {
  Secret: Secret;
  ConfigMap: ConfigMap;
  Namespace: Namespace;
}

export type Kind = keyof Resources;
export type ResourceOf<K extends Kind> = Resources[K];
export type StatusOf<K extends CustomKind> = NonNullable<Resources[K]['status']>;

export interface ObjectKey<K extends Kind = Kind> {
  readonly kind: K;
  /** Empty for kinds of cluster scope. */
  readonly namespace: string;
  readonly name: string;
}

/** A text that is another for every key. */
export function idOf({ kind, namespace, name }: ObjectKey): string {
  return `${kind}/${namespace}/${name}`;
}

/** A key as people write it: `Persona default/support-agent`, `Organization acme`. */
export function describeKey({ kind, namespace, name }: ObjectKey): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/**
 * Whose change an announcement is about: `own` where nothing is new but what the operator itself has written, which
 * whoever has written it knows already; else `foreign`.
 */
export type Change = 'own' | 'foreign';

/** Told of an object that was added, changed or removed. Must not throw. */
export type ChangeListener = (key: ObjectKey, change: Change) => void;

/** What an Event tells about an object. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** One word for programs, CamelCase. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

export interface SecretToApply {
  readonly namespace: string;
  readonly name: string;
  /** The whole content; keys that are not named are removed. Strings are stored as UTF-8. */
  readonly data: Readonly<Record<string, string | Uint8Array>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The uid of the object that it is made for. The Secret is labelled with it. */
  readonly ownerUid: string;
  /**
   * Whether a Secret of this name that is labelled with another uid, or with none, is the owner's all the same, by what is
   * in it: the uid is another after the owner was restored from a backup, and older releases set no label. None is where
   * absent.
   */
  readonly isOwn?: (secret: Secret) => boolean;
}

/**
 * Where resources come from, and where statuses, Secrets and Events go.
 *
 * Reads are answered from a cache, at once and without I/O; what they return is not to be changed. All objects were
 * validated and defaulted. A write has reached its destination when its promise resolves, and is announced to
 * subscribers like any other change; one that changes nothing is not announced.
 */
export interface Cluster {
  /** Resolves once everything has been read. Nothing is announced before. */
  start(): Promise<void>;
  /** Ends watching; resolves once nothing is under way any more. */
  close(): Promise<void>;

  get<K extends Kind>(kind: K, namespace: string, name: string): ResourceOf<K> | undefined;
  list<K extends Kind>(kind: K): readonly ResourceOf<K>[];

  /**
   * Has the listener called with the key of every object that is added, changed (its status included) or removed, after
   * the cache knows it.
   *
   * @returns ends the subscription
   */
  subscribe(listener: ChangeListener): () => void;

  /**
   * Replaces an object's status.
   *
   * @throws ClusterError `not_found` where the object is gone
   */
  updateStatus<K extends CustomKind>(key: ObjectKey<K>, status: StatusOf<K>): Promise<void>;

  /**
   * Creates a Secret, or replaces the one that was made for the same owner.
   *
   * @throws ClusterError `conflict` where a Secret of that name was not made for the owner, `refused` where the cluster
   * wants none there, `stale` where the cache is behind
   */
  applySecret(secret: SecretToApply): Promise<void>;

  /**
   * Removes a Secret that `applySecret` made; one that is not there is no error.
   *
   * @param isOwn whether it is the one that is meant; another is left alone
   */
  deleteSecret(namespace: string, name: string, isOwn: (secret: Secret) => boolean): Promise<void>;

  /**
   * Has the object stay, with `metadata.deletionTimestamp` set, when it is deleted, until the finalizer is removed.
   *
   * @throws ClusterError `not_found` where the object is gone
   */
  addFinalizer(key: ObjectKey<CustomKind>, finalizer: string): Promise<void>;

  /** Removes a finalizer; an object or a finalizer that is not there is no error. */
  removeFinalizer(key: ObjectKey<CustomKind>, finalizer: string): Promise<void>;

  /** Records an Event about an object. Events are for people: one that cannot be recorded is dropped. */
  recordEvent(key: ObjectKey, event: EventNote): Promise<void>;
}

/**
 * A write that did not come about: the object is gone (`not_found`), somebody else's (`conflict`), or another than the
 * cache knows (`stale`), or the cluster wants no such object (`refused`: a quota, a policy, a missing right).
 */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: 'not_found' | 'conflict' | 'stale' | 'refused';
  readonly key: ObjectKey;

  /** @param message what is so with the object, to follow its name */
  constructor(code: ClusterError['code'], key: ObjectKey, message: string, options?: ErrorOptions) {
    super(`${describeKey(key)} ${message}`, options);
    this.code = code;
    this.key = key;
  }
}
