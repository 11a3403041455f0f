import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Secret } from '../cluster.ts';
import { idOf, keyOf } from '../object-key.ts';
import { type Backoff, pauseAfter } from './backoff.ts';
import type { Mirror } from './mirror.ts';
import type { ReflectorSink, Versioned } from './reflector.ts';

export interface OwnedSinkOptions {
  readonly mirror: Mirror<Secret>;
  /** Reads the Secret by name, if it is still the operator's. */
  readonly read: (secret: Secret) => Promise<Versioned<Secret> | undefined>;
  readonly backoffMs: Backoff;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Receives the changes from the watch of the operator's Secrets. The watch selects by label, so a Secret that lost its
 * label looks deleted. It may hold keys that exist nowhere else, so it is read once more before it counts as deleted.
 */
export function makeOwnedSink({ mirror, read, backoffMs, signal, log }: OwnedSinkOptions): ReflectorSink<Secret> {
  const giveUp = async (last: Versioned<Secret>) => {
    const id = idOf(keyOf(last.object));
    const before = mirror.get(id)?.version;
    let failures = 0;
    while (!signal.aborted && before !== undefined && mirror.get(id)?.version === before) {
      try {
        const found = await read(last.object);
        if (mirror.get(id)?.version !== before) return;
        if (found) mirror.put(found);
        else mirror.remove(last);
        return;
      } catch (error) {
        log.warn({ err: error, secret: id }, 'cannot read whether a Secret still exists; trying again');
        failures += 1;
        await delay(pauseAfter(failures, error, backoffMs), undefined, { signal }).catch(() => {});
      }
    }
  };
  return {
    put: mirror.put,
    remove: (last) => void giveUp(last),
    reached: mirror.reached,
    replace(objects, version) {
      const listed = new Set(objects.map(({ object }) => idOf(keyOf(object))));
      const missing = mirror.all().filter(({ object }) => !listed.has(idOf(keyOf(object))));
      mirror.replace([...objects, ...missing], version);
      for (const { object } of missing) void giveUp({ object, version });
    },
  };
}
