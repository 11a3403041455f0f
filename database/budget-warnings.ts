import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';
import type { BudgetWarningData } from './webhook-events.ts';

/** That the use of a budget has reached a percentage of it. Dollars are in 10⁻⁹. */
export interface BudgetWarning {
  /** As in quota.ts: of one rule, scope and window. */
  readonly counterId: number;
  readonly percent: number;
  /** As in crds/quota-rule.ts. */
  readonly rule: string;
  readonly used: number;
  readonly amount: number;
}

/** A warning with what webhooks are told of it. */
export interface NewBudgetWarning extends BudgetWarning {
  /** Whose budget it is. Null: nobody's in particular. */
  readonly userId: string | null;
  readonly told: BudgetWarningData;
}

/** A warning of which no Event tells yet. */
export interface UnannouncedWarning extends BudgetWarning {
  /** External id of the user. Null: none, or the counter is gone. */
  readonly user: string | null;
  /** As in quota.ts. Null: the counter is gone. */
  readonly scope: string | null;
  /** Null: the window does not end, or the counter is gone. */
  readonly windowEnd: Date | null;
}

/**
 * Notes warnings, each of them once, and tells the organization's webhooks of those that are new.
 *
 * @param db the owner's connection
 * @returns whether any of them is new
 */
export async function insertBudgetWarnings(
  db: Queryable,
  organizationId: string,
  warnings: readonly NewBudgetWarning[],
): Promise<boolean> {
  const { rows } = await db.query<{ count: number }>(
    `with warned as (
       select * from jsonb_to_recordset($2::jsonb) as w (
         "counterId" bigint, percent integer, rule text, used bigint, amount bigint, "userId" uuid, told jsonb)
     ), inserted as (
       insert into chaperone.budget_warnings (organization_id, counter_id, percent, rule, used, amount)
       select $1::uuid, "counterId", percent, rule, used, amount
       from warned
       order by "counterId", percent
       on conflict do nothing
       returning counter_id, percent
     ), emitted as (
       select chaperone.emit_event_of($1::uuid, 'budget.warning', 'budget/' || "counterId", "userId", told) as webhooks
       from (
         select warned.*
         from inserted join warned on warned."counterId" = inserted.counter_id and warned.percent = inserted.percent
         order by warned."counterId", warned.percent
       ) fresh
     )
     select (select count(*) from inserted)::integer as count, (select sum(webhooks) from emitted)`,
    [organizationId, JSON.stringify(warnings)],
  );
  return (rows[0]?.count ?? 0) > 0;
}

/** Reads the warnings of which no Event tells yet, the lowest percentages first. */
export async function findUnannouncedWarnings(db: Queryable, organizationId: string): Promise<UnannouncedWarning[]> {
  const { rows } = await db.query<UnannouncedWarning>(
    `select w.counter_id::float8 as "counterId", w.percent, w.rule, w.used::float8 as used, w.amount::float8 as amount,
       u.external_id as "user", c.scope, nullif(c.window_end, 'infinity') as "windowEnd"
     from chaperone.budget_warnings w
       left join chaperone.quota_counters c on c.organization_id = w.organization_id and c.counter_id = w.counter_id
       left join chaperone.users u
         on c.per in ('User', 'Session') and u.organization_id = c.organization_id and u.user_id::text = left(c.scope, 36)
     where w.organization_id = $1::uuid and w.announced_at is null
     order by w.counter_id, w.percent
     limit 1000`,
    [organizationId],
  );
  return rows;
}

/** Notes that an Event tells of a warning. */
export async function markAnnounced(
  db: Queryable,
  organizationId: string,
  { counterId, percent }: Pick<BudgetWarning, 'counterId' | 'percent'>,
): Promise<void> {
  await db.query(
    `update chaperone.budget_warnings set announced_at = now()
     where organization_id = $1::uuid and counter_id = $2::bigint and percent = $3::integer`,
    [organizationId, counterId, percent],
  );
}

/**
 * Deletes warnings that are older than every window which the calendar has, of all organizations, but keeps those of
 * counters that still count.
 *
 * @param db the owner's connection
 */
export async function deletePastWarnings(db: Queryable): Promise<void> {
  await deletePast(db, 'warnings');
}
