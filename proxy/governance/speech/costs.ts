import { randomUUID } from 'node:crypto';
import { costEntryIdOf } from '../../../database/ids.ts';
import {
  type CostEntryRow,
  readSessionCosts,
  recordCost,
  type SessionCosts as SessionSums,
} from '../../../database/speech/costs.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import type { OptimizationLevel } from '../../calls/identify/optimization-level.ts';
import type { Service } from '../../calls/identify/service.ts';
import type { GovernanceContext } from '../context.ts';
import { readMoment } from '../moment.ts';
import { beginStatedSession, requireSession, type SessionQuestion, selectSession } from './session.ts';

export interface SessionCosts extends SessionSums {
  /** The last one that was stated, else what aliases do without one. */
  readonly optimizationLevel: OptimizationLevel;
}

/** The level of a session in which none is stated. */
export const defaultLevel: OptimizationLevel = 'balanced';

/**
 * What a session has cost, with the calls in it that this proxy has answered.
 *
 * @throws {ProxyError} `session_not_found`, the same for one that does not exist and one that is another user's;
 * `role_required`, `store_unavailable`
 */
export async function readCosts(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  question: SessionQuestion,
): Promise<SessionCosts> {
  const filter = selectSession(context, caller, question);
  await context.shipped();
  return context.store.run(async (db) => {
    const costs = await readSessionCosts(db, filter);
    // Its turns may be closed, or its calls refused, before anything has a cost.
    if (Number(costs.partCount) === 0) await requireSession(db, filter, caller);
    return { ...costs, optimizationLevel: costs.optimizationLevel ?? defaultLevel };
  });
}

/** A cost of a service that was called elsewhere. */
export interface CostEntry {
  readonly turnId: string | null;
  readonly service: Service;
  readonly provider: string;
  readonly operation: string | null;
  readonly units: number | null;
  readonly unitType: string | null;
  /** US dollars. Of a cached operation: what it would have cost. */
  readonly costUsd: number;
  /** Null: nobody says whether a cache was asked. */
  readonly isCached: boolean | null;
  readonly optimizationLevel: OptimizationLevel | null;
  /** ISO 8601; without a zone it is in UTC. Null: now. */
  readonly timestamp: string | null;
}

/**
 * Records a cost of a session of the caller's own, or of any, for who sees the organization.
 *
 * @param idempotencyKey an entry of this session that is sent again with the same key is not recorded again
 * @returns the entry as it is recorded
 * @throws {ProxyError} `invalid_request`, `store_unavailable`
 */
export async function postCost(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  sessionId: string,
  entry: CostEntry,
  idempotencyKey: string | undefined,
): Promise<CostEntryRow> {
  const occurredAt = readMoment('timestamp', entry.timestamp ?? undefined) ?? new Date().toISOString();
  await context.shipped();
  return context.store.run(async (db) => {
    const session = await beginStatedSession(context, db, caller, sessionId);
    const { organizationId, userId } = session;
    const entryId =
      idempotencyKey === undefined
        ? randomUUID()
        : costEntryIdOf(organizationId, JSON.stringify([userId, session.sessionId, idempotencyKey]));
    return recordCost(db, organizationId, {
      entryId,
      userId,
      sessionId: session.sessionId,
      turnId: entry.turnId === null ? null : toStorable(entry.turnId),
      service: entry.service,
      provider: toStorable(entry.provider),
      operation: entry.operation === null ? null : toStorable(entry.operation),
      units: entry.units === null ? null : String(entry.units),
      unitType: entry.unitType === null ? null : toStorable(entry.unitType),
      costUsd: String(entry.costUsd),
      isCached: entry.isCached,
      optimizationLevel: entry.optimizationLevel,
      occurredAt: new Date(occurredAt),
    });
  });
}
