import type { GuardedCall } from '../../guardrails/call-guard.ts';
import type { Spool } from '../../spool/spool.ts';
import { storable } from './record.ts';

/** Notes a user's call that a guardrail did not let go to a provider: it has no other record. */
export function noteBlock(
  spool: Pick<Spool, 'block'>,
  { requestId, userId, sessionId, turn }: Pick<GuardedCall, 'requestId' | 'userId' | 'sessionId' | 'turn'>,
  rules: readonly string[],
): void {
  if (!turn) return;
  spool.block({
    request_id: requestId,
    started_at: new Date().toISOString(),
    user_id: userId,
    session_id: storable(sessionId, 128),
    turn_id: turn.id === undefined ? null : storable(turn.id, 128),
    guardrail_hits: rules,
  });
}
