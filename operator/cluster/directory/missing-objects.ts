import type { ObjectKey } from '../cluster.ts';
import { idOf } from '../object-key.ts';

/**
 * How long an object must be missing before it counts as deleted. An editor may write a file in parts, or remove and
 * replace it.
 */
export const defaultSettleMs = 100;

export interface MissingObjects {
  /**
   * Notes which objects are missing now. Returns those that have been missing for long enough, and drops them from its
   * notes.
   */
  update(missing: readonly ObjectKey[]): readonly ObjectKey[];
  /** Whether some noted objects have not yet been missing for long enough. */
  isUnsettled(): boolean;
}

/** @param now in milliseconds, from a clock that is never set back */
export function makeMissingObjects(now: () => number, settleMs = defaultSettleMs): MissingObjects {
  let since: ReadonlyMap<string, number> = new Map();
  return {
    update: (missing) => {
      const time = now();
      const beginOf = (key: ObjectKey) => since.get(idOf(key)) ?? time;
      const isSettled = (key: ObjectKey) => time - beginOf(key) >= settleMs;
      const settled = missing.filter(isSettled);
      since = new Map(missing.filter((key) => !isSettled(key)).map((key) => [idOf(key), beginOf(key)]));
      return settled;
    },
    isUnsettled: () => since.size > 0,
  };
}
