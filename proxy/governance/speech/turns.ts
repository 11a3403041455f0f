import { closeTurn as closeRow, type TurnRow } from '../../../database/speech/turns.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import type { GovernanceContext } from '../context.ts';
import { beginStatedSession } from './session.ts';

/** A turn as the application closes it. */
export type ClosedTurn = Pick<TurnRow, 'turnId' | 'status' | 'latenciesMs'>;

/**
 * Closes a turn of a session of the caller's own, or of any, for who sees the organization: how it went, and what the
 * application has measured. Closing it again replaces that.
 *
 * @returns the session's id as it is stored, and when the turn was closed
 * @throws {ProxyError} `store_unavailable`
 */
export async function closeTurn(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  sessionId: string,
  turn: ClosedTurn,
): Promise<{ readonly sessionId: string; readonly closedAt: Date }> {
  await context.shipped();
  return context.store.run(async (db) => {
    const { organizationId, ...session } = await beginStatedSession(context, db, caller, sessionId);
    const row = { ...turn, ...session, turnId: toStorable(turn.turnId) };
    return { sessionId: session.sessionId, closedAt: await closeRow(db, organizationId, row) };
  });
}
