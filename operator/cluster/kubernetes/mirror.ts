import { isLater } from './api-object.ts';
import type { ReflectorSink, Versioned } from './reflector.ts';

/** Where a mirror's changes go. */
export interface MirrorTarget<T> {
  put(id: string, object: T): void;
  remove(id: string, object: T): void;
}

/** What a reflector has told, and what the answers to writes have told before it. */
export interface Mirror<T> extends ReflectorSink<T> {
  /** Takes the object that a write has answered, unless the watch has told of it or of something later already. */
  learn(written: Versioned<T>): void;
  /** Takes the object's absence that a write has answered. */
  forget(id: string): void;
  get(id: string): Versioned<T> | undefined;
  all(): readonly Versioned<T>[];
}

/**
 * Keeps the latest of each object, so that one who has written sees it at once, and no older event takes it back.
 *
 * A watch tells of changes in order. An answer later than everything it has told so far is news, and what the watch says
 * of that object stays old until it gets there; any other answer is old itself.
 */
export function makeMirror<T>(idOf: (object: T) => string, target: MirrorTarget<T>): Mirror<T> {
  const known = new Map<string, Versioned<T>>();
  /** Objects known from a write only, by the version that it made. */
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
