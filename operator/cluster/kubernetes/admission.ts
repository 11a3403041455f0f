import type { Cache } from '../cache.ts';
import type { Kind, Resources } from '../cluster.ts';
import { idOf, keyOf } from '../object-key.ts';
import type { OwnWrites } from './own-writes.ts';
import { type References, referencesOf } from './references.ts';

/** Puts objects into the cache, once everything that they refer to has been read. */
export interface Admission {
  put<K extends Kind>(kind: K, object: Resources[K]): void;
  remove<K extends Kind>(kind: K, object: Resources[K]): void;
  /** Resolves when no object is waiting. */
  settled(): Promise<void>;
}

export interface AdmissionOptions {
  readonly cache: Cache;
  readonly references: References;
  readonly ownWrites: Pick<OwnWrites, 'explain' | 'forget'>;
  readonly operatorNamespace: string;
}

/**
 * Admits objects to the cache and notifies listeners. If a binding were seen before its Secret, it would be reported as
 * broken until the Secret is read.
 */
export function makeAdmission({ cache, references, ownWrites, operatorNamespace }: AdmissionOptions): Admission {
  const held = new Map<string, object>();
  const waits = new Set<Promise<void>>();

  const wait = (until: Promise<void>, admit: () => void) => {
    const waiting = until.then(admit).finally(() => waits.delete(waiting));
    waits.add(waiting);
  };
  return {
    put(kind, object) {
      const key = keyOf(object);
      const id = idOf(key);
      const admit = () => {
        const change = ownWrites.explain(cache.get(kind, key.namespace, key.name), object) ? 'own' : 'foreign';
        cache.put(kind, object);
        cache.announce(key, change);
      };
      const unread = references.state(key, referencesOf(object, operatorNamespace));
      if (!unread) {
        held.delete(id);
        admit();
        return;
      }
      held.set(id, object);
      wait(unread, () => {
        // The object has changed or gone meanwhile.
        if (held.get(id) !== object) return;
        held.delete(id);
        admit();
      });
    },
    remove(kind, object) {
      const key = keyOf(object);
      held.delete(idOf(key));
      references.state(key, []);
      ownWrites.forget(key);
      if (!cache.get(kind, key.namespace, key.name)) return;
      cache.remove(key);
      cache.announce(key, 'foreign');
    },
    async settled() {
      while (waits.size > 0) await Promise.all(waits);
    },
  };
}
