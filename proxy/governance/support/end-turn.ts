import type { Queryable } from '../../../database/queryable.ts';
import { changeSupportConversation, findSupportConversation } from '../../../database/support/conversations.ts';
import { type AnswerEnd, endAnswer, withholdMessage } from '../../../database/support/messages.ts';
import { type GivenAnswer, giveAnswer } from '../../../database/support/turns.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { ProxyError } from '../../error.ts';
import type { DeskOutcome, DeskTurn } from './ask-desk.ts';
import { supportConversationNotFound } from './begin-turn.ts';
import type { DeskDecision } from './decide.ts';
import type { SupportAnswer, SupportContext } from './desk.ts';
import { escalate } from './escalate.ts';
import { sealSaid } from './sealing.ts';

/**
 * Stores an answer with what follows from it, all at once. Where somebody has taken the conversation over meanwhile, the
 * customer does not get the answer.
 *
 * @throws {ProxyError} `conversation_not_found` where it was erased meanwhile, `store_unavailable`
 */
export async function completeTurn(
  { store }: SupportContext,
  turn: DeskTurn,
  { decision, costUsd }: DeskOutcome,
): Promise<SupportAnswer> {
  const { snapshot, envelope } = turn.call.inForce;
  const { organizationId } = snapshot;
  const { conversationId } = turn.begun.conversation;
  const { number, messageId } = turn.answer;
  const { text, confidence, sources, reason, language } = decision;
  const rowId = `${conversationId}/${number}`;
  const sealed = sealSaid(envelope, organizationId, 'support_messages.contents', rowId, { content: text });
  const answer: GivenAnswer = { number, sealed, confidence, sources, costUsd, language };
  return store.run(async (db) => {
    const given = reason === undefined ? await giveAnswer(db, organizationId, conversationId, answer) : undefined;
    if (!given) return inTransaction(db, () => endTurn(db, turn, answer, decision));
    const { status, reason: why, assignedAgent, completedAt: at } = given;
    return {
      ...{ conversationId, messageId, status, assignedAgent, at },
      reason: why,
      response: text,
      confidence,
      sources,
    };
  });
}

/** Ends a turn that hands the conversation over, or whose conversation is no longer with the machine. */
async function endTurn(
  db: Queryable,
  { call, settings, begun, answer: { messageId } }: DeskTurn,
  { number, costUsd, ...answer }: GivenAnswer,
  { text, reason }: DeskDecision,
): Promise<SupportAnswer> {
  const { organizationId } = call.inForce.snapshot;
  const { conversationId } = begun.conversation;
  const { confidence, sources, language } = answer;
  const now = await findSupportConversation(db, organizationId, conversationId, true);
  if (!now) throw supportConversationNotFound();
  const isTaken = now.status === 'escalated';
  const end: AnswerEnd = isTaken ? { status: 'withheld' } : { status: 'completed', ...answer };
  const ended = await endAnswer(db, organizationId, { conversationId, number }, end);
  if (!ended) throw supportConversationNotFound();
  const escalated =
    reason === undefined || isTaken ? {} : await escalate(db, organizationId, now, reason, settings.agents);
  await changeSupportConversation(db, organizationId, conversationId, {
    ...escalated,
    ...(costUsd !== null && { costUsd }),
    ...(language !== undefined && { language }),
    ...(!isTaken && { turns: now.turns + 1, answeredAfterMs: Math.round(ended.waitedMs) }),
  });
  const { status, reason: why, assignedAgent } = { ...now, ...escalated };
  return {
    ...{ conversationId, messageId, status, reason: why, assignedAgent },
    ...(isTaken
      ? { response: settings.textsIn(language ?? now.language ?? undefined).waiting, confidence: 0, sources: [] }
      : { response: text, confidence, sources }),
    at: ended.completedAt,
  };
}

/**
 * Notes why there is no answer. What a guardrail does not let the customer say is forgotten, so that the conversation can
 * go on. Where it refuses the answer, the customer's message stays: a human can still answer it.
 *
 * @returns whether the message is forgotten
 */
export async function failTurn(
  { store }: SupportContext,
  { call, begun, answer }: DeskTurn,
  error: unknown,
): Promise<boolean> {
  const { organizationId } = call.inForce.snapshot;
  const { conversationId } = begun.conversation;
  const errorCode = error instanceof ProxyError ? error.code : 'internal_error';
  const isForgotten = error instanceof ProxyError && errorCode === 'guardrail_blocked' && error.rule?.side === 'Input';
  await store
    .run((db) =>
      inTransaction(db, async () => {
        await endAnswer(db, organizationId, { conversationId, number: answer.number }, { status: 'failed', errorCode });
        if (isForgotten) await withholdMessage(db, organizationId, { conversationId, number: begun.number });
      }),
    )
    // Then it is interrupted when nobody holds it any more.
    .catch(() => {});
  return isForgotten;
}
