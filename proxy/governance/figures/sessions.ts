import { readSelectedUsage } from '../../../database/analytics/excluded.ts';
import { readModelUsage } from '../../../database/analytics/models.ts';
import {
  readSessions as readRows,
  readSessionTotals,
  type SessionUsage,
} from '../../../database/analytics/sessions.ts';
import type { Caller } from '../../calls/call.ts';
import type { GovernanceContext } from '../context.ts';
import type { Page } from '../page.ts';
import { countExcluded } from './excluded.ts';
import { type Question, select } from './question.ts';
import { readFigures } from './read.ts';

export type { SessionUsage };

/**
 * The sessions with a call in the period, the latest first, and their sums. All that is said of a session is of its
 * calls in the period.
 *
 * @throws {ProxyError} `invalid_request`, `role_required`, `store_unavailable`
 */
export async function readSessions(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  question: Question,
  page: Page,
) {
  const { filter, filteredByUser } = select(context, caller, question);
  const activeSince = new Date(Date.now() - context.inForce().snapshot.sessionIdleMs);
  const { sessions, counts, usage, selected } = await readFigures(context, async (db) => ({
    sessions: await readRows(db, filter, page),
    counts: await readSessionTotals(db, filter, activeSince),
    usage: await readModelUsage(db, filter, { limit: 0, offset: 0 }),
    selected: await readSelectedUsage(db, filter),
  }));
  const total = Number(counts.sessions);
  return {
    sessions: sessions.map((session) => ({ ...session, isActive: session.lastRequestAt >= activeSince })),
    total,
    active: Number(counts.activeSessions),
    averageDurationMs: total === 0 ? 0 : Number(counts.durationMs) / total,
    totals: usage.totals,
    excluded: countExcluded(selected, filter),
    period: filter,
    filteredByUser,
  };
}
