import type { Client } from 'pg';
import { quotaRuleName } from '../../../crds/quota-rule.ts';
import { linesOfBatch } from './calls.ts';
import type { Pico, Recorded } from './ledger.ts';

interface Row {
  readonly request_id: string;
  readonly session_id: string;
  readonly status: string;
  readonly operation: string;
  readonly response_id: string | null;
  readonly cache_status: string | null;
  readonly cost_pico: string | null;
  readonly attempts: readonly { readonly kind: string; readonly cost_usd?: string }[] | null;
}

/** The accounts of a run's calls. */
export async function readRecords(database: Client, run: string): Promise<Recorded[]> {
  const { rows } = await database.query<Row>(
    `select request_id, session_id, status, operation, response_id, cache_status,
       (cost_usd * 1e12)::bigint as cost_pico, attempts
     from chaperone.requests where session_id like $1`,
    [`mark-${run}-%`],
  );
  return rows.map((row) => ({
    requestId: row.request_id,
    session: row.session_id,
    status: row.status,
    operation: row.operation,
    responseId: row.response_id,
    isHit: row.cache_status === 'hit',
    cost: row.cost_pico === null ? null : Number(row.cost_pico),
    attempts: (row.attempts ?? [])
      .filter(({ kind }) => kind !== 'unreachable')
      .map((attempt) => ({ cost: costOf(attempt) })),
  }));
}

/** An error of the provider costs nothing; of a request whose outcome is unknown, the cost is, too. */
function costOf({ kind, cost_usd: cost }: { readonly kind: string; readonly cost_usd?: string }): Pico | null {
  if (cost !== undefined) return Math.round(Number(cost) * 1e12);
  return kind === 'unknown' ? null : 0;
}

/** What limits and budgets have counted, and what they ought to have by the records. */
export interface Counts {
  readonly requests: number;
  readonly tokens: number;
  readonly nanoUsd: number;
}

export interface Counted {
  readonly counted: Counts;
  readonly recorded: Counts;
  /** Records of unknown usage. Limits count them by bounds that no record has. */
  readonly unknown: number;
  /** Of users who may make three calls, the most that one has made. */
  readonly mostLimited: number;
}

/** The rules of the matrix that count every call: `all`, `tokens` and `spend`. */
export async function readCounted(database: Client, run: string): Promise<Counted> {
  // Records go on arriving: what they add up to is read as of one moment.
  await database.query('begin transaction isolation level repeatable read read only');
  const { rows } = await database.query<{ unit: string; sum: string }>(
    `select c.unit, sum(c.used + coalesce(l.settled, 0)) as sum
     from chaperone.quota_counters c
     left join lateral (
       select sum(settled) as settled from chaperone.quota_leases
       where organization_id = c.organization_id and counter_id = c.counter_id
     ) l on true
     where c.rule = any($1) group by c.unit`,
    [[quotaRuleName('limits', 'all'), quotaRuleName('budgets', 'spend')]],
  );
  const counted = Object.fromEntries(rows.map(({ unit, sum }) => [unit, Number(sum)]));
  const { rows: sums } = await database.query(
    `select coalesce(sum(case when operation = 'batches' then ${linesOfBatch} else 1 end), 0)::int as requests, coalesce(sum(total_tokens), 0)::bigint as tokens,
       coalesce(sum(ceil(cost_usd * 1e9)), 0)::bigint as nano,
       count(*) filter (where cost_usd is null)::int as unknown
     from chaperone.requests`,
  );
  const { rows: limited } = await database.query(
    `select coalesce(max(n), 0)::int as most from (
       select count(*) as n from chaperone.requests r join chaperone.users u using (organization_id, user_id)
       where u.external_id like $1 group by r.user_id) s`,
    [`limited-${run}-%`],
  );
  await database.query('commit');
  const [sum] = sums;
  return {
    counted: { requests: counted.requests ?? 0, tokens: counted.tokens ?? 0, nanoUsd: counted.nano_usd ?? 0 },
    recorded: { requests: sum.requests, tokens: Number(sum.tokens), nanoUsd: Number(sum.nano) },
    unknown: sum.unknown,
    mostLimited: limited[0].most,
  };
}

/** Places for concurrent calls that are taken. Those of a killed proxy are free again 30 s later. */
export async function readPlaces(database: Client): Promise<number> {
  const { rows } = await database.query<{ places: number }>(
    `select coalesce(sum(l.spent), 0)::int as places from chaperone.quota_leases l
     join chaperone.quota_counters c using (organization_id, counter_id)
     where c.unit = 'concurrent' and l.expires_at > now()`,
  );
  return rows[0]?.places ?? Number.NaN;
}
