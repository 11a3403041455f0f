import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Kind, ObjectKey, Resources } from '../cluster.ts';
import { idOf } from '../object-key.ts';
import { isLater } from './api-object.ts';
import { type Backoff, pauseAfter } from './backoff.ts';
import type { ReflectorSink, Versioned } from './reflector.ts';

/** The kinds whose content is read only where a resource refers to it. */
export type ContentKind = 'Secret' | 'ConfigMap';
export type ContentKey = ObjectKey<ContentKind>;
export type Content = Resources[ContentKind];

/** An object of which only the existence is known. */
export interface ObjectIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Whether its content is read though no resource refers to it. */
  readonly isWanted?: boolean;
}

export interface ReferencesOptions {
  /** Reads one object by name. Undefined where it is missing or may not be read. */
  readonly read: (key: ContentKey) => Promise<Versioned<Content> | undefined>;
  readonly put: (key: ContentKey, content: Content) => void;
  readonly remove: (key: ContentKey) => void;
  readonly backoffMs: Backoff;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Reads the Secrets and ConfigMaps that resources refer to, and no others. */
export interface References {
  /**
   * Sets the references of an object.
   *
   * @returns a promise that resolves when all references have been read; undefined where they already are
   */
  state(referrer: ObjectKey, wanted: readonly ContentKey[]): Promise<void> | undefined;
  /** Receives the changes from the watch of a kind's metadata. */
  sink(kind: ContentKind): ReflectorSink<ObjectIdentity>;
  /** Resolves when what the watches want has been read. */
  settled(): Promise<void>;
}

interface Reference {
  readonly key: ContentKey;
  readonly referrers: Set<string>;
  /** Version of the content in the cache. */
  version: string | undefined;
  isRead: boolean;
  /** Whether the object has changed while it was being read. */
  isStale: boolean;
  reading: Promise<void> | undefined;
}

/** The references of an object. @param operatorNamespace the namespace of Organizations' Secrets */
export function referencesOf(object: Resources[Kind], operatorNamespace: string): ContentKey[] {
  const { kind, metadata } = object;
  const namespace = metadata.namespace ?? '';
  switch (kind) {
    case 'Organization': {
      const { authentication, gateway, webhooks = [] } = object.spec;
      const names = new Set([
        authentication?.sharedSecretRef?.name,
        gateway?.tls?.secretName,
        ...webhooks.map(({ secretRef }) => secretRef.name),
        ...(authentication?.accounts ?? []).map(({ passwordHashRef }) => passwordHashRef.name),
      ]);
      return [...names].flatMap((name) =>
        name === undefined ? [] : [{ kind: 'Secret' as const, namespace: operatorNamespace, name }],
      );
    }
    case 'ApiKeyBinding':
      return [{ kind: 'Secret', namespace, name: object.spec.secretKeyRef.name }];
    case 'Persona': {
      const { contentFrom } = object.spec;
      return contentFrom ? [{ kind: 'ConfigMap', namespace, name: contentFrom.configMapKeyRef.name }] : [];
    }
    case 'AnalysisConfig':
    case 'Secret':
    case 'ConfigMap':
    case 'Namespace':
      return [];
  }
}

/**
 * Reads referenced objects by name, and again whenever the watch of their metadata reports a change. The contents of
 * other Secrets and ConfigMaps never reach the operator and take none of its memory.
 */
export function makeReferences({ read, put, remove, backoffMs, signal, log }: ReferencesOptions): References {
  const references = new Map<string, Reference>();
  const byReferrer = new Map<string, readonly Reference[]>();

  const accept = (reference: Reference, found: Versioned<Content> | undefined) => {
    const { version } = reference;
    reference.isRead = true;
    reference.version = found?.version;
    if (found && found.version !== version) put(reference.key, found.object);
    if (!found && version !== undefined) remove(reference.key);
  };
  const readUntilFresh = async (reference: Reference) => {
    let failures = 0;
    do {
      reference.isStale = false;
      try {
        const found = await read(reference.key);
        if (reference.referrers.size > 0) accept(reference, found);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error, ...reference.key }, 'cannot read an object that a resource refers to; trying again');
        failures += 1;
        await delay(pauseAfter(failures, error, backoffMs), undefined, { signal }).catch(() => {});
        reference.isStale = true;
      }
    } while (reference.isStale && reference.referrers.size > 0 && !signal.aborted);
    reference.reading = undefined;
  };
  const refresh = (reference: Reference) => {
    reference.isStale = true;
    reference.reading ??= readUntilFresh(reference);
  };
  const release = (referrer: string, reference: Reference) => {
    reference.referrers.delete(referrer);
    if (reference.referrers.size > 0) return;
    references.delete(idOf(reference.key));
    if (reference.version !== undefined) remove(reference.key);
  };
  const refer = (referrer: string, key: ContentKey): Reference => {
    const id = idOf(key);
    const reference = references.get(id) ?? {
      ...{ key, referrers: new Set<string>(), version: undefined, isRead: false, isStale: false, reading: undefined },
    };
    references.set(id, reference);
    reference.referrers.add(referrer);
    if (!reference.isRead && !reference.reading) refresh(reference);
    return reference;
  };

  const state: References['state'] = (referrer, wanted) => {
    const id = idOf(referrer);
    const before = byReferrer.get(id) ?? [];
    const now = wanted.map((key) => refer(id, key));
    for (const reference of before) if (!now.includes(reference)) release(id, reference);
    if (now.length > 0) byReferrer.set(id, now);
    else byReferrer.delete(id);
    const unread = now.filter(({ isRead }) => !isRead).map(({ reading }) => reading);
    return unread.length > 0 ? Promise.all(unread).then(() => {}) : undefined;
  };
  /** An object that is read for itself refers to itself. */
  const pending = new Set<Promise<void>>();
  const want = (key: ContentKey, isWanted: boolean) => {
    if (!isWanted && !byReferrer.has(idOf(key))) return;
    const unread = state(key, isWanted ? [key] : []);
    if (!unread) return;
    const waiting = unread.finally(() => pending.delete(waiting));
    pending.add(waiting);
  };

  return {
    state,
    async settled() {
      await Promise.all(pending);
    },
    sink: (kind) => {
      const wantAs = ({ namespace, name, isWanted = false }: ObjectIdentity) =>
        want({ kind, namespace, name }, isWanted);
      const find = ({ namespace, name }: ObjectIdentity) => references.get(idOf({ kind, namespace, name }));
      return {
        put({ object, version }) {
          const reference = find(object);
          if (reference && (reference.reading || reference.version !== version)) refresh(reference);
          wantAs(object);
        },
        remove({ object, version }) {
          wantAs({ ...object, isWanted: false });
          const reference = find(object);
          if (reference && !isNewer(reference, version)) refresh(reference);
        },
        replace(objects, version) {
          const listed = new Map(
            objects.map(({ object: { namespace, name }, version: at }) => [idOf({ kind, namespace, name }), at]),
          );
          for (const reference of references.values()) {
            const { key } = reference;
            if (key.kind !== kind) continue;
            if (!listed.has(idOf(key))) want(key, false);
            const isSame = listed.get(idOf(key)) === reference.version;
            if ((reference.reading || !isSame) && !isNewer(reference, version)) refresh(reference);
          }
          for (const { object } of objects) wantAs(object);
        },
        reached: () => {},
      };
    },
  };
}

function isNewer({ version }: Reference, than: string): boolean {
  return version !== undefined && isLater(version, than);
}
