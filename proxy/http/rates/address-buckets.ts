import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Rate } from '../headers.ts';

/** How often an address may do something, and in which time. */
export interface Allowance {
  readonly limit: number;
  readonly windowMs: number;
}

/** How many credentials an address may guess. */
export const guesses: Allowance = { limit: 60, windowMs: 300_000 };
/** How many visitors of public keys an address may begin as. */
export const newVisitors: Allowance = { limit: 30, windowMs: 300_000 };
/** How many addresses are remembered, and how many credentials with the address that they were valid from. */
const mostRemembered = 10_000;

interface Bucket {
  taken: number;
  readonly endsAtMs: number;
}

/**
 * Counts the guesses of addresses, in bounded memory. The longest unused address is forgotten first.
 *
 * An address that has used up its guesses may still use credentials that were valid from it before: many clients may share
 * an address, and one of them must not shut out the others. Other credentials are not even looked at.
 */
export function makeAddressBuckets(allowance: Allowance = guesses, nowMs: () => number = Date.now) {
  const { limit, windowMs } = allowance;
  const buckets = new LRUCache<string, Bucket>({ maxSize: mostRemembered, sizeCalculation: () => 1 });
  const valid = new LRUCache<string, true>({ maxSize: mostRemembered, sizeCalculation: () => 1 });
  const pairOf = (address: string, credential: string) => hash('sha256', `${address}\n${credential}`, 'base64');
  const bucketOf = (address: string): Bucket => {
    const found = buckets.get(address);
    return found && found.endsAtMs > nowMs() ? found : { taken: 0, endsAtMs: nowMs() + windowMs };
  };
  return {
    rate(address: string): Rate {
      const { taken, endsAtMs } = bucketOf(address);
      return { limit, remaining: limit - taken, resetAtMs: endsAtMs };
    },
    take(address: string): void {
      const bucket = bucketOf(address);
      bucket.taken += 1;
      buckets.set(address, bucket);
    },
    noteValid(address: string, credential: string): void {
      valid.set(pairOf(address, credential), true);
    },
    wasValid: (address: string, credential: string): boolean => valid.has(pairOf(address, credential)),
  };
}

export type AddressBuckets = ReturnType<typeof makeAddressBuckets>;
