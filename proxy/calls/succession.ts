import type { ProxyError } from '../error.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { CallContext } from './context.ts';
import type { Refused, Reservation, Sought } from './reserve/reserve.ts';
import { nanoUsdOf } from './reserve/settle-quota.ts';
import type { Failure } from './route/failure.ts';
import type { Fallback, NextKey } from './route/fallback.ts';
import { failedCostOf } from './settle/failed-attempt.ts';

/** An attempt that takes the place of one that failed. It is reserved. */
export interface Successor<Attempt> {
  readonly attempt: Attempt;
  /** The pause before it. */
  readonly delayMs: number;
}

/** How a call goes on. An error: there is another key, but a limit or a budget admits no attempt with it. */
export type Succeeding<Attempt> = Successor<Attempt> | ProxyError;

/** @returns undefined: nobody else can be asked, so the call ends with the failure. What has to wait has another key */
export type Succeed<Attempt> = (
  failed: RoutedKey,
  failure: Failure,
) => Succeeding<Attempt> | undefined | Promise<Succeeding<Attempt>>;

export interface SuccessionOptions<Attempt> {
  readonly context: CallContext;
  readonly model: string | undefined;
  /** Called at the first failure. */
  readonly fallback: () => Fallback;
  readonly reservation: Pick<Reservation, 'moveTo' | 'changes'>;
  /**
   * The request with another key, with the changes of the reservation. Undefined where the call cannot be carried to its
   * provider.
   */
  readonly attemptWith: (key: RoutedKey) => Attempt | undefined;
  /** The call, as this attempt would make it. */
  readonly soughtOf: (attempt: Attempt, key: RoutedKey) => Sought;
}

/**
 * Chooses the attempts of a call after its first. Each is reserved before it is made, by the rules of its key and the prices
 * of its provider. Where that is refused, the next key is asked.
 */
export function makeSuccession<Attempt>(options: SuccessionOptions<Attempt>): Succeed<Attempt> {
  const { context, model, reservation, attemptWith, soughtOf } = options;
  let fallback: Fallback | undefined;
  let failedNanoUsd = 0;

  const choose = (
    from: Fallback,
    first: NextKey | undefined,
    refusedBefore?: Refused,
  ): ReturnType<Succeed<Attempt>> => {
    let refused = refusedBefore;
    for (let next = first; next; ) {
      const { key, delayMs } = next;
      const attempt = attemptWith(key);
      if (attempt === undefined) {
        next = from.instead(key, true);
        continue;
      }
      const { changes } = reservation;
      // A budget may pay for a shorter answer of this key.
      const found = () => ({ attempt: (reservation.changes !== changes && attemptWith(key)) || attempt, delayMs });
      const moved = reservation.moveTo(soughtOf(attempt, key), failedNanoUsd);
      if (!moved) return found();
      if (moved instanceof Promise) return later(moved, found, from, key, refused);
      refused ??= moved;
      next = from.instead(key, false);
    }
    return refused && end(refused);
  };
  const later = async (
    moved: Promise<Refused | undefined>,
    found: () => Successor<Attempt>,
    from: Fallback,
    key: RoutedKey,
    refusedBefore: Refused | undefined,
  ): Promise<Succeeding<Attempt>> => {
    const refused = await moved;
    if (!refused) return found();
    const first = refusedBefore ?? refused;
    return (await choose(from, from.instead(key, false), first)) ?? end(first);
  };

  return (failed, failure) => {
    const cost = failedCostOf(failed.provider, failure, model ?? null, context.inForce.price);
    if (cost !== null) failedNanoUsd += nanoUsdOf(cost);
    fallback ??= options.fallback();
    return choose(fallback, fallback.next(failed, failure));
  };
}

/** Of several keys that are refused, the first one is told: it would have been the choice. */
function end({ problem, note }: Refused): ProxyError {
  note();
  return problem;
}
