import { countsOfBinding, countsOfOrganization, type RuleCount } from '../../crds/rule-counts.ts';
import { figuresOf, type RuleFigure } from '../../crds/rule-figures.ts';
import { userIdOf } from '../../database/ids.ts';
import { type NamedUse, readQuotaTime, readRuleUse } from '../../database/rule-use.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import { makeMatcher } from '../snapshot/model-rules.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { GovernanceContext } from './context.ts';
import type { Page } from './page.ts';
import { seesOrganization } from './roles.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>;

/** Which rules are asked for. */
export interface RuleQuestion {
  readonly name?: string | undefined;
  /** External id: the rules that apply to this user, with the user's own figures. */
  readonly user?: string | undefined;
  readonly per?: RuleCount['per'] | undefined;
}

export type Figure = RuleFigure<NamedUse>;

export interface Figures {
  /** One page of them. */
  readonly figures: readonly Figure[];
  readonly total: number;
  /** External id of the user whose figures alone are shown. */
  readonly filteredByUser: string | null;
}

/** The limits and tiers in force, with what is used of each. @throws {ProxyError} `role_required`, `store_unavailable` */
export function readLimits(context: Context, caller: Caller, question: RuleQuestion, page: Page): Promise<Figures> {
  return readRules(context, caller, question, page, ({ kind }) => kind !== 'budget');
}

/** The budgets in force, with what is used of each. @throws {ProxyError} `role_required`, `store_unavailable` */
export function readBudgets(context: Context, caller: Caller, question: RuleQuestion, page: Page): Promise<Figures> {
  return readRules(context, caller, question, page, ({ kind }) => kind === 'budget');
}

async function readRules(
  { inForce, shipped, store }: Context,
  caller: Caller,
  { name, user, per }: RuleQuestion,
  { limit, offset }: Page,
  isAskedFor: (count: RuleCount) => boolean,
): Promise<Figures> {
  const { snapshot } = inForce();
  const { organizationId } = snapshot;
  const filteredByUser = seesOrganization(caller) ? (user ?? null) : ownUser(caller, user);
  const keys = filteredByUser === null ? undefined : keysOf(snapshot, filteredByUser);
  const counts = countsInForce(snapshot, keys).filter(
    (count) =>
      isAskedFor(count) &&
      (name === undefined || count.name === name) &&
      (per === undefined || count.per === per) &&
      (filteredByUser === null || appliesTo(count, filteredByUser)),
  );
  if (counts.length === 0) return { figures: [], total: 0, filteredByUser };
  const userId = filteredByUser === null ? null : userIdOf(organizationId, filteredByUser);
  const rules = [...new Set(counts.map(({ rule }) => rule))];
  await shipped();
  const { atMs, uses } = await store.run(async (db) => {
    const at = await readQuotaTime(db);
    return { atMs: at, uses: await readRuleUse(db, organizationId, { rules, userId, atMs: at }) };
  });
  const visible = seesOrganization(caller) ? uses : uses.filter((use) => isVisible(use, caller, keys));
  const figures = figuresOf(counts, visible, atMs);
  return { figures: figures.slice(offset, offset + limit), total: figures.length, filteredByUser };
}

/** @throws {ProxyError} `role_required` for another user */
function ownUser(caller: Caller, asked: string | undefined): string {
  if (asked === undefined || asked === caller.user) return caller.user ?? '';
  const message = 'The figures of another user need a credential with the role analyst, reviewer or admin';
  throw new ProxyError('role_required', { message });
}

/** Ids of the keys that calls of a user may use. */
function keysOf({ keysByUser, organizationKeys }: Snapshot, user: string): ReadonlySet<string> {
  return new Set([...(keysByUser.get(user) ?? []), ...organizationKeys].map(({ id }) => id));
}

/** @param keys only rules of these ApiKeyBindings; undefined: of all */
function countsInForce({ spec, keys: all }: Snapshot, keys: ReadonlySet<string> | undefined): RuleCount[] {
  const bindings = [...all.values()].filter(({ id }) => keys?.has(id) ?? true);
  return [
    ...countsOfOrganization(spec),
    ...bindings.flatMap(({ binding, rules }) => (rules ? countsOfBinding(rules, binding) : [])),
  ];
}

function appliesTo({ users, exceptUsers }: RuleCount, user: string): boolean {
  return (users === undefined || makeMatcher(users)(user)) && !makeMatcher(exceptUsers)(user);
}

/** Who does not see the organization sees its own counters, and those that it shares with everyone. */
function isVisible({ per, scope }: NamedUse, { identity }: Caller, keys: ReadonlySet<string> | undefined): boolean {
  if (per === 'Key') return keys?.has(scope) ?? false;
  if (per === 'Workload') return identity.namespace !== undefined && scope.startsWith(`${identity.namespace}/`);
  return true;
}
