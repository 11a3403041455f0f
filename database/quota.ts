import { createHash } from 'node:crypto';
import { statementName } from './client.ts';
import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';

/** What a counter counts. Dollars are counted in 10^-9, so that no sum is rounded. */
export const quotaUnits = ['requests', 'tokens', 'input_tokens', 'output_tokens', 'nano_usd', 'concurrent'] as const;
export type QuotaUnit = (typeof quotaUnits)[number];

/** Which calls a rule counts together. */
export type QuotaScope = 'Organization' | 'User' | 'Key' | 'Model' | 'Workload' | 'Session';

/** A counter: what a rule counts of one scope in one window. */
export interface QuotaCounter {
  /** As in crds/quota-rule.ts. */
  readonly rule: string;
  readonly unit: QuotaUnit;
  readonly per: QuotaScope;
  /** The user's id, the key's id, the model, namespace/workload, or user id/session. Empty: the whole organization. */
  readonly scope: string;
  /** Milliseconds since 1970, by the database's clock. */
  readonly startMs: number;
  /** Undefined: never. */
  readonly endMs: number | undefined;
}

/** The id of a counter: 52 bits of a digest, so that it is exact as a number. */
export function quotaCounterId({ rule, unit, scope, startMs, endMs }: QuotaCounter): number {
  const text = [rule, unit, startMs, endMs ?? '', scope].join('\n');
  const digest = createHash('sha256').update(text).digest();
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] ?? 0) >> 4);
}

/** The beginning of a count in `RequestRecord.quota`: the unit, the counter and the lease. The amount follows. */
export function countPrefix(unit: QuotaUnit, counterId: number, leaseId: number): string {
  return `${quotaUnits.indexOf(unit)},${counterId},${leaseId},`;
}

/** What a proxy asks for. Levels, not differences: a demand whose outcome is unknown can be repeated. */
export interface QuotaDemand extends QuotaCounter {
  readonly counterId: number;
  readonly leaseId: number;
  /** The limit, in units of the counter. */
  readonly amount: number;
  /** What the proxy has used or reserved so far in this lease. */
  readonly spent: number;
  /** A lease below this level is of no use. */
  readonly smallest: number;
  /** The level for the calls that wait. */
  readonly wanted: number;
  /** The level for the calls that are expected. */
  readonly target: number;
  /** Ends the lease. */
  readonly ends: boolean;
  readonly ttlMs: number;
}

export interface QuotaGrant {
  readonly counterId: number;
  readonly leaseId: number;
  /** How much the proxy may use in this lease in all. */
  readonly granted: number;
  /** How much of the limit nobody has used or leased. Of places, below 0: how many to give back, since others lack them. */
  readonly room: number;
  /** Whether the window has begun, or begins soon, and is not over. */
  readonly isCurrent: boolean;
  /** The database's time, in milliseconds since 1970. */
  readonly atMs: number;
}

/** Leases parts of counters of the session's own organization. */
export async function leaseQuota(db: Queryable, demands: readonly QuotaDemand[]): Promise<QuotaGrant[]> {
  const { rows } = await db.query<QuotaGrant>({
    name: statementName(db, 'lease-quota'),
    text: `
      select counter_id::float8 as "counterId", lease_id::float8 as "leaseId", granted::float8 as granted,
        room::float8 as room, is_current as "isCurrent", at_ms as "atMs"
      from chaperone.lease_quota($1::jsonb)`,
    values: [JSON.stringify(demands.map(rowOf))],
  });
  return rows;
}

/** A demand with the names of the SQL function (functions/lease_quota_of.sql). */
export function rowOf(demand: QuotaDemand) {
  const { counterId, leaseId, rule, unit, per, scope, startMs, endMs, amount } = demand;
  const { spent, smallest, wanted, target, ends, ttlMs } = demand;
  return {
    ...{ counter: counterId, lease: leaseId, rule, unit, per, scope, start_ms: startMs, end_ms: endMs ?? null },
    ...{ amount, spent, smallest, wanted, target, ends, ttl_ms: ttlMs },
  };
}

/** How much of a counter is used in its current window. Amounts are whole numbers of the unit, as text. */
export interface QuotaUse {
  /** As in crds/quota-rule.ts. */
  readonly rule: string;
  readonly unit: QuotaUnit;
  readonly per: QuotaScope;
  /** As in QuotaCounter. */
  readonly scope: string;
  readonly windowStart: Date;
  /** When the count begins again. Null: never. */
  readonly windowEnd: Date | null;
  /** What ended calls have used. For `concurrent`: 0. */
  readonly used: string;
  /** What proxies hold beyond that, for running calls and for the next ones. */
  readonly held: string;
}

/**
 * Deletes counters that no call needs any longer, of all organizations: those whose window ended days ago, those of places
 * that nobody holds, and those of sessions without a call for long; and leases whose records came after their counter
 * had gone.
 *
 * @param db the owner's connection
 */
export async function deletePastQuota(db: Queryable): Promise<void> {
  await deletePast(db, 'counters');
}
