import type { RuleCount } from './rule-counts.ts';
import { windowAt } from './rule-window.ts';

/** What is known of a counter (database/quota.ts), as far as figures need it. */
export interface CounterUse {
  readonly rule: string;
  readonly unit: string;
  readonly scope: string;
  readonly windowStart: Date;
  readonly used: string;
  readonly held: string;
}

/** How far a rule is used, of one scope, in the window of now. Amounts are in the unit of the rule. */
export interface RuleFigure<Use extends CounterUse = CounterUse> {
  readonly count: RuleCount;
  /** The counter. Undefined: nothing has been counted yet. */
  readonly use: Use | undefined;
  readonly limit: number;
  /** What ended calls have used; of `concurrent`, the calls of now. */
  readonly used: number;
  /** What proxies hold beyond that, for running calls and for the next ones. */
  readonly reserved: number;
  /** Of the limit, without `used`. */
  readonly remaining: number;
  readonly startMs: number;
  /** When it begins anew. Undefined: never. */
  readonly resetMs: number | undefined;
  /** The time of the figures, by the database's clock. */
  readonly atMs: number;
}

/**
 * The figures of rules: for each count its scopes, the most used first. A count that nobody has used has one figure
 * without a counter.
 */
export function figuresOf<Use extends CounterUse>(
  counts: readonly RuleCount[],
  uses: readonly Use[],
  nowMs: number,
): RuleFigure<Use>[] {
  const byCount = Map.groupBy(uses, ({ rule, unit }) => `${unit} ${rule}`);
  return counts.flatMap((count): RuleFigure<Use>[] => {
    const span = windowAt(count.window, nowMs);
    const stated = { count, limit: count.amountAt(nowMs), startMs: span.startMs, resetMs: span.endMs, atMs: nowMs };
    // A counter of another window is from before an edit of the rule.
    const current = (byCount.get(`${count.unit} ${count.rule}`) ?? []).filter(
      ({ windowStart }) => windowStart.getTime() === span.startMs,
    );
    if (current.length === 0) return [{ ...stated, use: undefined, used: 0, reserved: 0, remaining: stated.limit }];
    return current
      .map((use) => ({ ...stated, use, ...amountsOf(count, use, stated.limit) }))
      .sort((one, other) => other.used - one.used);
  });
}

function amountsOf({ unit }: RuleCount, use: CounterUse, limit: number) {
  const [settled, held] = [Number(use.used), Number(use.held)];
  // A place for a call is held while the call runs.
  const [used, reserved] = unit === 'concurrent' ? [held, 0] : [settled, held];
  return { used, reserved, remaining: Math.max(0, limit - used) };
}

/** How much of its limit a figure has used, in percent, rounded down. */
export function percentOf({ used, limit }: Pick<RuleFigure, 'used' | 'limit'>): number {
  return Math.floor((used / limit) * 100);
}

/** The figure that is nearest to its limit. */
export function fullestOf<F extends RuleFigure>(figures: readonly F[]): F | undefined {
  return figures.reduce<F | undefined>(
    (fullest, figure) => (fullest && fullest.used / fullest.limit >= figure.used / figure.limit ? fullest : figure),
    undefined,
  );
}

/** Dollars of an amount in 10⁻⁹, with at most six decimals. */
export function showNanoUsd(nanoUsd: number): string {
  return (nanoUsd / 1e9).toFixed(6).replace(/\.?0+$/, '');
}
