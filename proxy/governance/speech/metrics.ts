import { readSessionMetrics, type SessionMetrics as SessionSums } from '../../../database/speech/metrics.ts';
import type { Caller } from '../../calls/call.ts';
import type { OptimizationLevel } from '../../calls/identify/optimization-level.ts';
import type { GovernanceContext } from '../context.ts';
import { defaultLevel } from './costs.ts';
import { type SessionQuestion, selectSession, sessionNotFound } from './session.ts';

export interface SessionMetrics extends SessionSums {
  /** The last one that was stated, else what aliases do without one. */
  readonly optimizationLevel: OptimizationLevel;
}

/**
 * How a session went: turns, latencies, cache and guardrails, with the calls in it that this proxy has answered.
 *
 * @throws {ProxyError} `session_not_found`, the same for one that does not exist and one that is another user's;
 * `role_required`, `store_unavailable`
 */
export async function readMetrics(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  question: SessionQuestion,
): Promise<SessionMetrics> {
  const filter = selectSession(context, caller, question);
  await context.shipped();
  const metrics = await context.store.run((db) => readSessionMetrics(db, filter));
  if (!metrics) throw sessionNotFound();
  return { ...metrics, optimizationLevel: metrics.optimizationLevel ?? defaultLevel };
}
