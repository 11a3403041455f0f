import type { Moment } from '../../quota/database-clock.ts';
import type { CallNeeds } from './call-needs.ts';
import type { RuledClaim } from './rules.ts';

/** What an attempt of a call asks for. */
export interface Asked {
  readonly claims: readonly RuledClaim[];
  readonly needs: CallNeeds;
  /** When the claims were made. */
  readonly now: Moment;
  /** What earlier attempts of the call hold already. Absent: nothing. */
  readonly held?: HeldAmounts;
}

/** Of the counter of a claim. */
export type HeldAmounts = ReadonlyMap<RuledClaim, HeldAmount>;

export interface HeldAmount {
  /** What the call has reserved of it: the claim is for what lacks. */
  readonly amount: number;
  /** What attempts that failed have used of it. */
  readonly spent: number;
}
