import { type ClientUsage, readClientUsage } from '../../../database/analytics/clients.ts';
import { readSelectedUsage } from '../../../database/analytics/excluded.ts';
import type { UsageFilter } from '../../../database/analytics/filter.ts';
import { type ModelUsage, readModelUsage } from '../../../database/analytics/models.ts';
import { type PersonaUsage, readPersonaUsage } from '../../../database/analytics/personas.ts';
import type { UsageList, UsageSums, UsageTotals } from '../../../database/analytics/usage.ts';
import { readUserUsage, type UserUsage } from '../../../database/analytics/users.ts';
import type { Queryable } from '../../../database/queryable.ts';
import type { Caller } from '../../calls/call.ts';
import type { GovernanceContext } from '../context.ts';
import type { Page } from '../page.ts';
import { seesOrganization } from '../roles.ts';
import { countExcluded, type Excluded } from './excluded.ts';
import type { Period } from './period.ts';
import { type Question, requireShort, type Selection, select } from './question.ts';
import { readFigures } from './read.ts';

export type { ClientUsage, ModelUsage, PersonaUsage, UsageSums, UsageTotals, UserUsage };

type Context = Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>;

/** The calls of a question in groups, the most used group first. */
export interface Groups<Group> {
  /** One page of them. */
  readonly groups: readonly Group[];
  /** The sums of all groups. */
  readonly totals: UsageTotals;
  readonly excluded: Excluded;
  readonly period: Period;
  /** External id of the user whose calls alone are counted. */
  readonly filteredByUser: string | null;
}

/** Usage by the model that was asked for. @throws {ProxyError} `invalid_request`, `role_required`, `store_unavailable` */
export async function readModels(context: Context, caller: Caller, question: Question, page: Page) {
  return readGroups(context, select(context, caller, question), (db, filter) => readModelUsage(db, filter, page));
}

/** Usage by user. @throws {ProxyError} as `readModels` */
export async function readUsers(context: Context, caller: Caller, question: Question, page: Page) {
  return readGroups(context, select(context, caller, question), (db, filter) => readUserUsage(db, filter, page));
}

/** Usage by the program that called, of 31 days at most. @throws {ProxyError} as `readModels` */
export async function readClients(context: Context, caller: Caller, question: Question, page: Page) {
  const selection = select(context, caller, question);
  requireShort(selection.filter);
  return readGroups(context, selection, (db, filter) => readClientUsage(db, filter, page));
}

/**
 * Usage by persona, also of personas without calls. Calls without a persona are only in `excluded`.
 *
 * @param page.includeInactive inactive personas, too, and deleted ones that were used
 * @throws {ProxyError} as `readModels`
 */
export async function readPersonas(
  context: Context,
  caller: Caller,
  question: Question,
  page: Page & { readonly includeInactive: boolean },
) {
  const selection = select(context, caller, question);
  const visibleTo = seesOrganization(caller) ? null : selection.filteredByUser;
  const read = (db: Queryable, filter: UsageFilter) => readPersonaUsage(db, filter, { ...page, visibleTo });
  return readGroups(context, selection, read, ({ totals }) => totals);
}

/** @param listed the sums in a list that has no calls without a persona */
async function readGroups<Group>(
  context: Context,
  { filter, filteredByUser }: Selection,
  read: (db: Queryable, filter: UsageFilter) => Promise<UsageList<Group>>,
  listed?: (usage: UsageList<Group>) => UsageTotals,
): Promise<Groups<Group>> {
  const { usage, selected } = await readFigures(context, async (db) => ({
    usage: await read(db, filter),
    selected: await readSelectedUsage(db, filter),
  }));
  return { ...usage, excluded: countExcluded(selected, filter, listed?.(usage)), period: filter, filteredByUser };
}
