import { randomUUID } from 'node:crypto';
import { nobody } from '../../database/ids.ts';
import { toStorable } from '../../database/storable.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import type { GovernanceContext } from './context.ts';
import { requireOwnRequest } from './own-request.ts';

export interface Rating {
  readonly requestId: string;
  readonly responseId: string | null;
  readonly rating: 1 | -1;
  readonly feedback: string | null;
  /** ISO 8601. */
  readonly ratedAt: string;
}

/**
 * Rates a call of the caller's own, or any call, for who sees the organization. A later rating replaces it. A rating
 * goes the way of usage: it is in the spool when this returns, so it is never lost.
 *
 * @param id a request id or a response id
 * @throws {ProxyError} `request_not_found`, `spool_unwritable`, `store_unavailable`
 */
export async function rateResponse(
  context: Pick<GovernanceContext, 'spool' | 'findRequest'>,
  caller: Caller,
  id: string,
  { rating, feedback: text }: { readonly rating: 1 | -1; readonly feedback: string | null },
): Promise<Rating> {
  const { requestId, responseId, userId } = await requireOwnRequest(context, caller, id);
  const feedback = text === null ? null : toStorable(text);
  const ratedAt = new Date().toISOString();
  try {
    context.spool.rate({
      rating_id: randomUUID(),
      request_id: requestId,
      response_id: responseId,
      user_id: userId,
      rating,
      feedback,
      rated_by: caller.userId === nobody ? null : caller.userId,
      rated_at: ratedAt,
    });
  } catch (cause) {
    throw new ProxyError('spool_unwritable', { cause });
  }
  return { requestId, responseId, rating, feedback, ratedAt };
}
