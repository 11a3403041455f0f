import type { Quota } from '../../quota/quota.ts';
import type { Origin } from '../settle/record.ts';
import type { Histories } from './history.ts';
import type { Sought } from './reserve.ts';
import type { Rule, RuledClaim } from './rules.ts';

export interface LimitsOptions {
  readonly quota: Quota;
  /** The pod of this proxy's calls. */
  readonly origin: Origin | undefined;
  /** Called with each rule that refused a call, or would have refused it if it were enforced. */
  readonly onLimited: (rule: Rule) => void;
  /** What earlier calls were like. Absent: nothing is known yet. */
  readonly histories?: Histories;
  /** Hears of what a call asks for, before it is taken. Absent: nobody listens. */
  readonly onClaims?: (claims: readonly RuledClaim[]) => void;
}

/** The rules in force, and what earlier calls were like. */
export interface Limits extends LimitsOptions {
  readonly histories: Histories;
  /** The rules that a call must meet. Undefined where there are no rules at all. */
  readonly rulesFor: (sought: Sought) => readonly Rule[] | undefined;
}
