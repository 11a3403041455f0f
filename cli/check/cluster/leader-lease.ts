import { setTimeout as delay } from 'node:timers/promises';
import type { Lease } from './objects.ts';

/** The longest handover. A waiting operator reads the Lease every second, and takes it when it is free. */
const handoverMs = 5_000;
const pauseMs = 200;

/**
 * Reads the leader Lease. In a roll-out, the former leader gives it up a moment before the next one takes it, which is
 * not a fault. So a Lease without a holder is read again until it has one, for at most 5 s.
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
