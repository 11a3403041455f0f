import type { CountedSlices } from './counted.ts';
import type { Slice } from './slice.ts';

/** What makes a claim: what a rule counts. */
export interface Claimant {
  /** Whether a call that finds too little is refused. Otherwise the claim only counts. */
  readonly enforces: boolean;
  /** Whether a call goes on while the database cannot be reached. */
  readonly allowsUnavailable: boolean;
}

/** An amount that a call needs of one counter. */
export interface Claim<By extends Claimant = Claimant> {
  readonly by: By;
  readonly slices: CountedSlices;
  readonly scope: string;
  /** The slice of the scope at the last attempt. */
  slice: Slice;
  amount: number;
  /** A smaller amount that would do. */
  smallest: number;
}

/** A claim that was not met: nothing was left, or it is unknown whether anything is. */
export interface Shortfall {
  readonly claim: Claim;
  readonly reason: 'exhausted' | 'unavailable';
}
