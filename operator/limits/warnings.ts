import type { RuleCount } from '../../crds/rule-counts.ts';
import { type CounterUse, type RuleFigure, showNanoUsd } from '../../crds/rule-figures.ts';
import type { NewBudgetWarning, UnannouncedWarning } from '../../database/budget-warnings.ts';
import { quotaCounterId } from '../../database/quota.ts';
import type { EventNote } from '../cluster/cluster.ts';

/** The percentages that budgets have reached, with what webhooks are told of each. */
export function findWarnings(figures: readonly RuleFigure<CounterUse>[]): NewBudgetWarning[] {
  return figures.flatMap((figure) => {
    const { count, use, used, limit, startMs, resetMs } = figure;
    if (count.kind !== 'budget' || !use) return [];
    const { rule, unit, per } = count;
    const reached = new Set(count.warnAt.filter((percent) => used * 100 >= percent * limit));
    if (reached.size === 0) return [];
    const { scope } = use;
    const counterId = quotaCounterId({ rule, unit, per, scope, startMs, endMs: resetMs });
    // The scope of a session begins with its user.
    const userId = per === 'User' || per === 'Session' ? scope.slice(0, 36) : null;
    return [...reached].map((percent) => ({
      ...{ counterId, percent, rule, used, amount: limit, userId },
      told: {
        ...{ budget: count.name, binding: count.binding ?? null, per, percent },
        scope: userId !== null || per === 'Organization' ? null : scope,
        used_usd: showNanoUsd(used),
        amount_usd: showNanoUsd(limit),
        action: count.enforces ? 'Block' : 'Warn',
        window_ends_at: resetMs === undefined ? null : new Date(resetMs).toISOString(),
      },
    }));
  });
}

/** The Event about a warning. @param count of its budget; undefined: the budget is gone meanwhile */
export function describeWarning(warning: UnannouncedWarning, count: RuleCount | undefined): EventNote {
  const { percent, used, amount, windowEnd, rule } = warning;
  const name = count?.name ?? rule;
  const whose = count ? whoseBudget(count, warning) : '';
  const window =
    count?.stated === undefined || count.stated === 'Total' ? '' : ` of this ${count.stated.toLowerCase()}`;
  const then = windowEnd === null ? '' : ` It begins anew at ${windowEnd.toISOString().replace('.000Z', 'Z')}.`;
  const blocks = count?.enforces ? ' Calls beyond the budget are refused.' : '';
  return {
    type: 'Warning',
    reason: 'BudgetWarning',
    message: `Budget "${name}"${whose}: ${percent}% of $${showNanoUsd(amount)}${window} is used ($${showNanoUsd(used)}).${blocks}${then}`,
  };
}

function whoseBudget({ per }: RuleCount, { scope, user }: UnannouncedWarning): string {
  if (per === 'Organization' || scope === null) return '';
  if (per === 'User') return ` of user ${JSON.stringify(user ?? scope)}`;
  if (per === 'Session') return ` of a session of user ${JSON.stringify(user ?? scope.slice(0, 36))}`;
  return per === 'Key' ? ' of the key' : ` of ${per.toLowerCase()} ${JSON.stringify(scope)}`;
}
