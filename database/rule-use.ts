import type { Queryable } from './queryable.ts';
import type { QuotaUse } from './quota.ts';

/** Which counters are asked for. */
export interface RuleUseFilter {
  /** Names of rules, as in crds/quota-rule.ts. */
  readonly rules: readonly string[];
  /** The only user whose own counters are wanted. Null: those of every user. */
  readonly userId: string | null;
  /** The time whose windows are wanted, from `readQuotaTime`. */
  readonly atMs: number;
}

/** A counter with the names of what it counts. */
export interface NamedUse extends QuotaUse {
  /** External id of the user of a counter per User or per Session. */
  readonly user: string | null;
  /** `namespace/name` of the ApiKeyBinding of a counter per Key. */
  readonly binding: string | null;
}

/** More counters than these are not read: of a rule per session there may be millions. */
export const maxRuleUses = 10_000;

/** Reads the time by which windows, raises and leases go, in milliseconds since 1970: the database's. */
export async function readQuotaTime(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ atMs: number }>(
    'select (extract(epoch from chaperone.quota_now()) * 1000)::float8 as "atMs"',
  );
  const [row] = rows;
  if (!row) throw new Error('The database does not tell its time');
  return row.atMs;
}

/** Reads the counters of rules in the windows of a time, the most used ones of each rule first. */
export async function readRuleUse(
  db: Queryable,
  organizationId: string,
  { rules, userId, atMs }: RuleUseFilter,
): Promise<NamedUse[]> {
  const { rows } = await db.query<NamedUse>(
    `select c.rule, c.unit, c.per, c.scope, c.window_start as "windowStart",
       nullif(c.window_end, 'infinity') as "windowEnd",
       (c.used + l.settled)::text as used,
       (greatest(l.held - l.settled, 0) + chaperone.quota_pending(c.organization_id, c.counter_id))::text as held,
       u.external_id as "user", k.resource as binding
     from (select to_timestamp($4::float8 / 1000) as at) t
       cross join chaperone.quota_counters c
       cross join lateral (
         select coalesce(sum(l.settled), 0) as settled,
           coalesce(sum(chaperone.quota_held(c.unit, l.granted, l.spent, l.settled, l.expires_at, t.at)), 0) as held
         from chaperone.quota_leases l
         where l.organization_id = c.organization_id and l.counter_id = c.counter_id
       ) l
       left join chaperone.users u
         on c.per in ('User', 'Session') and u.organization_id = c.organization_id and u.user_id::text = left(c.scope, 36)
       left join chaperone.api_keys k
         on c.per = 'Key' and k.organization_id = c.organization_id and k.api_key_id::text = c.scope
     where c.organization_id = $1::uuid and c.window_start <= t.at and c.window_end > t.at
       and c.rule = any ($2::text[])
       and ($3::text is null or c.per not in ('User', 'Session') or left(c.scope, 36) = $3::text)
     order by c.used + l.settled desc, c.scope
     limit ${maxRuleUses}`,
    [organizationId, rules, userId, atMs],
  );
  return rows;
}

/** How far a counter is used, in the counter's unit. */
export interface CounterRoom {
  readonly counterId: number;
  /** What ended calls have used. */
  readonly used: number;
  /** What proxies hold beyond that, for running calls and for the next ones. */
  readonly held: number;
  /** The database's time, in milliseconds since 1970. */
  readonly atMs: number;
}

/** Reads counters by id, as a lease would find them. A counter that nothing has used yet has zeros. */
export async function readCounterRoom(
  db: Queryable,
  organizationId: string,
  counterIds: readonly number[],
): Promise<CounterRoom[]> {
  const { rows } = await db.query<CounterRoom>(
    `select asked.counter_id::float8 as "counterId",
       (coalesce(c.used, 0) + l.settled)::float8 as used, greatest(l.held - l.settled, 0)::float8 as held,
       (extract(epoch from t.at) * 1000)::float8 as "atMs"
     from (select chaperone.quota_now() as at) t
       cross join unnest($2::bigint[]) as asked (counter_id)
       left join chaperone.quota_counters c on c.organization_id = $1::uuid and c.counter_id = asked.counter_id
       cross join lateral (
         select coalesce(sum(l.settled), 0) as settled,
           coalesce(sum(chaperone.quota_held(c.unit, l.granted, l.spent, l.settled, l.expires_at, t.at)), 0) as held
         from chaperone.quota_leases l
         where l.organization_id = $1::uuid and l.counter_id = asked.counter_id
       ) l`,
    [organizationId, counterIds],
  );
  return rows;
}

/** The rules that an organization and its bindings state. */
export interface StatedRules {
  readonly organizationId: string;
  readonly name: string;
  /** The Organization's spec. */
  readonly spec: unknown;
  readonly bindings: readonly {
    /** `namespace/name` */
    readonly binding: string;
    /** As in crds/binding-rules.ts. */
    readonly rules: unknown;
  }[];
}

/**
 * Reads the rules in force.
 *
 * @param db the owner's connection
 * @param name the only organization; undefined: all
 */
export async function readStatedRules(db: Queryable, name: string | undefined): Promise<StatedRules[]> {
  const { rows } = await db.query<StatedRules>(
    `select o.organization_id as "organizationId", o.name, o.spec,
       (select coalesce(jsonb_agg(jsonb_build_object('binding', k.resource, 'rules', k.rules) order by k.resource), '[]')
        from chaperone.api_keys k
        where k.organization_id = o.organization_id and k.deleted_at is null and k.is_active and k.rules is not null
          and k.resource is not null) as bindings
     from chaperone.organizations o
     where o.deleted_at is null and ($1::text is null or o.name = $1::text)
     order by o.name`,
    [name ?? null],
  );
  return rows;
}
