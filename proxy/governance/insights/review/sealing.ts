import { type Envelope, EnvelopeError } from '../../../../database/envelope.ts';
import { type Body, parseObject } from '../../../providers/json.ts';

type Column = 'review_items.contents' | 'review_decisions.contents' | 'review_comments.contents';

/** @param rowId the item's id, or that and a number */
export function sealReview(envelope: Envelope, organizationId: string, column: Column, rowId: string, said: object) {
  return envelope.seal({ organizationId, column, rowId }, JSON.stringify(said));
}

/** What was sealed with a data key that is lost is empty. */
export function openReview(
  envelope: Envelope,
  organizationId: string,
  column: Column,
  rowId: string,
  sealed: Uint8Array | null,
): Body {
  if (sealed === null) return {};
  try {
    return parseObject(envelope.open({ organizationId, column, rowId }, sealed).toString()) ?? {};
  } catch (error) {
    if (error instanceof EnvelopeError) return {};
    throw error;
  }
}
