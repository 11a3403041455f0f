import { insertReviewComment } from '../../../../database/reviews/comments.ts';
import { noteUser } from '../../../../database/speech/sessions.ts';
import type { Caller } from '../../../calls/call.ts';
import { recorded } from '../../recorded.ts';
import { admitRole } from '../../roles.ts';
import { lockReviewItem, type ReviewComment, type ReviewContext } from './items.ts';
import { requireUser } from './queue.ts';
import { sealReview } from './sealing.ts';

/**
 * Adds a comment to an item, also to one that is decided.
 *
 * @throws {ProxyError} `role_required`, `user_required`, `review_item_not_found`, `store_unavailable`
 */
export async function commentOnItem(
  context: ReviewContext,
  caller: Caller,
  itemId: string,
  text: string,
): Promise<ReviewComment> {
  admitRole(caller, 'reviewer', 'analyst');
  const { snapshot, envelope } = context.inForce();
  const { organizationId } = snapshot;
  return recorded(
    context,
    caller,
    async (db) => {
      const { user, userId } = requireUser(caller);
      const item = await lockReviewItem(db, organizationId, itemId);
      await noteUser(db, organizationId, { userId, externalId: user });
      const number = item.comments + 1;
      const rowId = `${itemId}/${number}`;
      const contentsSealed = sealReview(envelope, organizationId, 'review_comments.contents', rowId, { text });
      const comment = { number, authorId: userId, contentsSealed };
      const createdAt = await insertReviewComment(db, organizationId, itemId, comment);
      return { number, author: user, text, createdAt };
    },
    ({ number }) => ({
      ...{ action: 'changed', subject: `ReviewItem/${itemId}` },
      changes: [{ field: 'review.comments', before: number - 1, after: number }],
    }),
  );
}
