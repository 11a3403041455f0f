import { isLater } from './api-object.ts';
import type { ReflectorSink, Versioned } from './reflector.ts';

/** Receives a mirror's changes. */
export interface MirrorTarget<T> {
  put(id: string, object: T): void;
  remove(id: string, object: T): void;
}

/** The latest objects, from a reflector and from the answers to our own writes. */
export interface Mirror<T> extends ReflectorSink<T> {
  /** Takes the object in the answer to a write, unless the watch has already delivered it or a later version. */
  learn(written: Versioned<T>): void;
  /** Notes that an object is gone, from the answer to a delete. */
  forget(id: string): void;
  get(id: string): Versioned<T> | undefined;
  all(): readonly Versioned<T>[];
}

/**
 * Keeps the latest version of each object. A writer sees its own write at once, and no older event reverts it.
 *
 * A watch delivers changes in order. An answer is news where its version is later than everything that the watch has
 * delivered; until the watch reaches that version, its events for that object are old. Any other answer is old.
 */
export function makeMirror<T>(idOf: (object: T) => string, target: MirrorTarget<T>): Mirror<T> {
  const known = new Map<string, Versioned<T>>();
  /** Objects that only a write has told about, with the version that it made. */
  const ahead = new Map<string, string>();
  let reachedVersion = '';

  const isOld = (id: string, version: string) => {
    const written = ahead.get(id);
    if (written === undefined || isLater(version, written)) return false;
    return version !== written;
  };
  const set = (id: string, next: Versioned<T>) => {
    const isSame = known.get(id)?.version === next.version;
    known.set(id, next);
    if (!isSame) target.put(id, next.object);
  };
  const drop = (id: string) => {
    const last = known.get(id);
    known.delete(id);
    ahead.delete(id);
    if (last) target.remove(id, last.object);
  };
  const reached = (version: string) => {
    reachedVersion = version;
    for (const [id, written] of ahead) if (!isLater(written, version)) ahead.delete(id);
  };

  return {
    replace(objects, version) {
      const listed = new Set(objects.map(({ object }) => idOf(object)));
      for (const id of [...known.keys()]) {
        const written = ahead.get(id);
        if (!listed.has(id) && !(written !== undefined && isLater(written, version))) drop(id);
      }
      for (const next of objects) {
        const id = idOf(next.object);
        if (!isOld(id, next.version)) set(id, next);
      }
      reached(version);
    },
    put(next) {
      const id = idOf(next.object);
      if (!isOld(id, next.version)) set(id, next);
    },
    remove({ object, version }) {
      const id = idOf(object);
      if (!isOld(id, version)) drop(id);
    },
    reached,
    learn(written) {
      if (!isLater(written.version, reachedVersion)) return;
      const id = idOf(written.object);
      if (isOld(id, written.version)) return;
      ahead.set(id, written.version);
      set(id, written);
    },
    forget: drop,
    get: (id) => known.get(id),
    all: () => [...known.values()],
  };
}
