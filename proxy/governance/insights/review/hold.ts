import { readReviewDecisions } from '../../../../database/reviews/decisions.ts';
import { findHeldResponse, lockResponse } from '../../../../database/reviews/held.ts';
import type { ReviewItemRow } from '../../../../database/reviews/items.ts';
import { inTransaction } from '../../../../database/transaction.ts';
import type { HeldAnswer, HeldAnswers, HeldState } from '../../../calls/held/held-answers.ts';
import { asString } from '../../../providers/json.ts';
import type { GovernanceInForce } from '../../context.ts';
import { appendChange } from '../../recorded.ts';
import { readAnswerText, readQuery } from './answer-text.ts';
import { openItem, type ReviewContext } from './items.ts';
import { type AnswerToReview, insertForReview } from './queue.ts';
import { reviewSettings } from './settings.ts';

/** More urgent than what nobody waits for. */
const heldPriority = 2;

/** Holds answers in the review queue. */
export function makeHeldAnswers({ inForce, store }: ReviewContext): HeldAnswers {
  return {
    async hold(held) {
      const { call, rule } = held;
      const { snapshot } = inForce();
      const { organizationId } = snapshot;
      const responseId = call.operation === 'responses' ? asString(held.answer.id) : null;
      const hold = {
        ...{ guardrail: rule.name, detector: rule.detector, responseId },
        holdMs: reviewSettings(snapshot).holdMs,
      };
      return store.run((db) =>
        inTransaction(db, async () => {
          if (responseId !== null) {
            await lockResponse(db, organizationId, responseId);
            const known = await findHeldResponse(db, organizationId, { responseId, userId: call.userId });
            if (known) return known.itemId;
          }
          const { itemId } = await insertForReview(db, inForce(), call, toReview(held, responseId), 'guardrail', hold);
          await appendChange(
            db,
            organizationId,
            { user: call.user, roles: [], requestId: call.requestId },
            {
              ...{ action: 'created', subject: `ReviewItem/${itemId}` },
              changes: [
                { field: 'review.source', after: 'guardrail' },
                { field: 'review.guardrail', after: rule.name },
                { field: 'review.side', after: held.side },
              ],
            },
          );
          return itemId;
        }),
      );
    },
    async stateOf(responseId, userId) {
      const { organizationId } = inForce().snapshot;
      const found = await store.run(async (db) => {
        const row = await findHeldResponse(db, organizationId, { responseId, userId });
        return row && { row, decisions: (await readReviewDecisions(db, organizationId, [row.itemId])).get(row.itemId) };
      });
      return found && toState(inForce(), found.row, found.decisions ?? []);
    },
  };
}

function toReview({ call, rule, side, answer }: HeldAnswer, responseId: string | null): AnswerToReview {
  const { text, toolCalls } = readAnswerText(answer);
  return {
    query: readQuery(call.operation, call.said ?? call.admitted),
    response: text,
    category: rule.name,
    priority: heldPriority,
    metadata: {
      ...{ request_id: call.requestId, response_id: responseId, operation: call.operation, model: call.model ?? null },
      ...{ guardrail: rule.name, detector: rule.detector, side },
      ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    },
  };
}

function toState(inForce: GovernanceInForce, row: ReviewItemRow, decisions: Parameters<typeof openItem>[2]): HeldState {
  const { itemId, guardrail, detector, approved, edited, reviews } = row;
  const common = { itemId, rule: { name: guardrail ?? '', detector: detector ?? '' } };
  if (row.status !== 'reviewed') return { ...common, outcome: 'waiting' };
  if (!approved) return { ...common, outcome: 'rejected', isExpired: reviews < row.reviewsNeeded };
  const text = edited ? openItem(inForce, row, decisions).finalResponse : null;
  return { ...common, outcome: 'released', text: text ?? undefined };
}
