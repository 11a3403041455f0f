import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { Queryable } from '../../database/queryable.ts';
import { readQuotaTime } from '../../database/rule-use.ts';

/**
 * The time by which rules are judged: that of the database, by which proxies enforce them. Only the end of a raise depends
 * on it, so without one the database is not asked, and it is 0.
 */
export async function readRuleTime(
  db: Queryable,
  { budgets = [] }: Pick<OrganizationSpec, 'budgets'>,
): Promise<number> {
  return budgets.some(({ raise }) => raise) ? readQuotaTime(db) : 0;
}
