import type { PointKey, StoredPoint } from '../../database/conversations.ts';

/**
 * Asks the database for a point of a conversation, while the provider works on the call that continues it.
 *
 * @param isWanted whether the answer still matters
 * @param onFound is not called where the database does not know the point, or not in time
 */
export type LookUpPoint = (point: PointKey, isWanted: () => boolean, onFound: (point: StoredPoint) => void) => void;

export interface LookUpOptions {
  /** One answer for each point, in their order. */
  readonly read: (points: readonly PointKey[]) => Promise<readonly (StoredPoint | undefined)[]>;
  readonly onEnd: (result: LookUpResult) => void;
  readonly onFailure: (error: unknown) => void;
}

/** What became of a look-up, for metrics. `late`: the answer of the provider was there first. */
export type LookUpResult = 'found' | 'missing' | 'late' | 'failed';

/** How long points are gathered for one query. */
const gatherMs = 5;
const mostAtOnce = 500;
/** When it asks again: records of other proxies arrive a moment after their answers. */
const pausesMs = [60, 200];

interface Open {
  readonly point: PointKey;
  readonly isWanted: () => boolean;
  readonly onFound: (point: StoredPoint) => void;
  readonly attempt: number;
}

/** Makes the look-up. Points that are asked for at the same time go into one query. */
export function makeLookUpPoint({ read, onEnd, onFailure }: LookUpOptions): LookUpPoint {
  const waiting: Open[] = [];
  const end = (open: Open, found: StoredPoint | undefined) => {
    if (!open.isWanted()) {
      onEnd('late');
      return;
    }
    const pauseMs = pausesMs[open.attempt];
    if (!found && pauseMs !== undefined) {
      setTimeout(() => add({ ...open, attempt: open.attempt + 1 }), pauseMs).unref();
      return;
    }
    onEnd(found ? 'found' : 'missing');
    if (found) open.onFound(found);
  };
  const ask = async () => {
    const taken = waiting.splice(0, mostAtOnce);
    const batch = taken.filter(({ isWanted }) => isWanted());
    for (let late = taken.length - batch.length; late > 0; late -= 1) onEnd('late');
    if (waiting.length > 0) setTimeout(ask, gatherMs).unref();
    if (batch.length === 0) return;
    try {
      const found = await read(batch.map(({ point }) => point));
      for (const [index, open] of batch.entries()) end(open, found[index]);
    } catch (error) {
      for (const _ of batch) onEnd('failed');
      onFailure(error);
    }
  };
  const add = (open: Open) => {
    waiting.push(open);
    if (waiting.length === 1) setTimeout(ask, gatherMs).unref();
  };
  return (point, isWanted, onFound) => add({ point, isWanted, onFound, attempt: 0 });
}
