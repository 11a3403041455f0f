import type { CustomKind } from '../../crds/definition.ts';
import type { ObjectMeta } from '../../crds/object-meta.ts';
import type { Resources as CustomResources } from '../../crds/resources.generated.ts';

export interface Secret {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: ObjectMeta;
  /** Decoded from base64. */
  readonly data: Readonly<Record<string, Uint8Array>>;
}

export interface ConfigMap {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
  /** The keys whose values are not text. */
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
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}

/**
 * Who made a change. `own`: it consists only of the operator's own writes, which the writer already knows. Otherwise
 * `foreign`.
 */
export type Change = 'own' | 'foreign';

/** Called for an object that was added, changed or removed. Must not throw. */
export type ChangeListener = (key: ObjectKey, change: Change) => void;

/** The content of an Event. */
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
  /** The complete content: other keys are removed. Strings are stored as UTF-8. */
  readonly data: Readonly<Record<string, string | Uint8Array>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The uid of the object that the Secret is made for. It becomes a label of the Secret. */
  readonly ownerUid: string;
  /**
   * Decides from the content whether a Secret of this name without the owner's uid label still belongs to the owner.
   * The uid changes when the owner is restored from a backup, and older releases set no label. Absent: no such Secret
   * does.
   */
  readonly isOwn?: (secret: Secret) => boolean;
}

/**
 * Reads resources, and writes statuses, Secrets and Events.
 *
 * Reads come from a cache, without I/O; do not modify what they return. All objects are validated and have their
 * defaults. A write is stored when its promise resolves. Subscribers are notified of it like of any other change, but
 * not where it changes nothing.
 */
export interface Cluster {
  /** Resolves when everything has been read. No listener is called before. */
  start(): Promise<void>;
  /** Stops watching, and resolves when nothing is running any more. */
  close(): Promise<void>;

  get<K extends Kind>(kind: K, namespace: string, name: string): ResourceOf<K> | undefined;
  list<K extends Kind>(kind: K): readonly ResourceOf<K>[];

  /**
   * Calls the listener with the key of every object that was added, changed (including its status) or removed. The
   * cache is updated first.
   *
   * @returns a function that ends the subscription
   */
  subscribe(listener: ChangeListener): () => void;

  /**
   * Replaces an object's status. Conditions of types that it does not state belong to other writers, and stay.
   *
   * @param ended types of the writer's own conditions that no longer apply
   * @throws ClusterError `not_found` where the object is gone
   */
  updateStatus<K extends CustomKind>(key: ObjectKey<K>, status: StatusOf<K>, ended?: readonly string[]): Promise<void>;

  /**
   * Creates a Secret, or replaces one that was made for the same owner.
   *
   * @throws ClusterError `conflict` where a Secret of that name belongs to another owner, `refused` where the cluster
   * does not accept it, `stale` where the cache is behind
   */
  applySecret(secret: SecretToApply): Promise<void>;

  /**
   * Deletes a Secret that `applySecret` made. A missing one is not an error.
   *
   * @param isOwn whether the Secret is the right one; any other is left alone
   */
  deleteSecret(namespace: string, name: string, isOwn: (secret: Secret) => boolean): Promise<void>;

  /**
   * Adds a finalizer. A deleted object then stays, with `metadata.deletionTimestamp`, until the finalizer is removed.
   *
   * @throws ClusterError `not_found` where the object is gone
   */
  addFinalizer(key: ObjectKey<CustomKind>, finalizer: string): Promise<void>;

  /** Removes a finalizer. A missing object or finalizer is not an error. */
  removeFinalizer(key: ObjectKey<CustomKind>, finalizer: string): Promise<void>;

  /** Records an Event about an object. Events are only for people, so one that cannot be recorded is dropped. */
  recordEvent(key: ObjectKey, event: EventNote): Promise<void>;
}
