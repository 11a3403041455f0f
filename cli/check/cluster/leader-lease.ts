import { setTimeout as delay } from 'node:timers/promises';
import type { Lease } from './objects.ts';

/** How long a handover may take: the operator that waits reads the Lease every second, and then takes it. */
const handoverMs = 5_000;
const pauseMs = 200;

/**
 * Reads the leader Lease. During a roll-out the former leader gives it up before the next one takes it; that moment is
 * no fault, so a Lease without a holder is read again until it has one, for 5 s at most.
 */
export async function readLeaderLease(
  read: () => Promise<Lease | undefined>,
  pause: (ms: number) => Promise<unknown> = delay,
): Promise<Lease | undefined> {
  for (let waitedMs = 0; ; waitedMs += pauseMs) {
    const lease = await read();
    const isHeld = (lease?.spec?.holderIdentity ?? '') !== '';
    if (isHeld || waitedMs >= handoverMs) return lease;
    await pause(pauseMs);
  }
}
