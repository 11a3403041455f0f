import type { CallContext } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { askDesk, type DeskTurn } from './ask-desk.ts';
import { type BegunTurn, beginTurn, type SupportMessage } from './begin-turn.ts';
import { customerOf } from './customer.ts';
import type { SupportAnswer, SupportContext, SupportListener } from './desk.ts';
import { completeTurn, failTurn } from './end-turn.ts';
import { makeHeldAnswers } from './held-answers.ts';
import { moodByModel, moodByWords, noteMood } from './mood.ts';
import { supportSettings } from './settings.ts';
import type { TextsIn } from './texts.ts';

/** Takes messages to the support desk, and answers them. */
export type Converse = ReturnType<typeof makeConverse>;

/** Makes the support desk of this process. Messages of one conversation are answered in their order. */
export function makeConverse(context: SupportContext) {
  const hold = makeHeldAnswers(context);

  /**
   * Stores a message, and answers it from the knowledge base. Once it is stored, it is answered even if nobody waits.
   *
   * @param call the request, whose call is the customer's
   * @throws {ProxyError} as a call, and `conversation_not_found`, `user_mismatch`, `role_required`, `contents_not_stored`,
   * `store_unavailable`
   */
  return async (call: CallContext, asked: SupportMessage, listener?: SupportListener): Promise<SupportAnswer> => {
    const { snapshot } = call.inForce;
    const settings = supportSettings(snapshot);
    const customer = customerOf(snapshot, call.caller, asked.user);
    if (!snapshot.storesContents) throw keepsNothing();
    const { begun, held } = await context.store.run(async (db) => {
      const options = { inForce: call.inForce, settings, caller: call.caller, customer };
      const begun = await beginTurn(db, asked, options);
      const { conversationId } = begun.conversation;
      return { begun, held: begun.answer && hold({ conversationId, number: begun.answer.number }) };
    });
    listener?.begun({ conversationId: begun.conversation.conversationId, messageId: messageOf(begun) });
    const { message, sender } = asked;
    if (!held || !begun.answer) {
      if (sender === 'user') await noteMood(context, snapshot, begun, await moodByWords(snapshot, message));
      return withoutMachine(begun, asked, settings.textsIn);
    }
    // A turn that has begun goes before those that begin: else each of many at once would wait for the beginning of all.
    const further = { ...context, store: context.store.ahead };
    const turn: DeskTurn = { call, settings, customer, begun, answer: begun.answer, message };
    try {
      await held.before;
      const outcome = await askDesk(further, turn, listener?.text);
      const answer = await completeTurn(further, turn, outcome);
      await noteMood(further, snapshot, begun, moodByModel(outcome.decision.sentiment));
      return answer;
    } catch (error) {
      const isForgotten = await failTurn(further, turn, error);
      if (!isForgotten) await noteMood(further, snapshot, begun, await moodByWords(snapshot, message));
      throw error;
    } finally {
      held.end();
    }
  };
}

/** The message that is answered, or that answers. */
function messageOf({ answer, messageId }: BegunTurn): string {
  return answer?.messageId ?? messageId;
}

/** A human has the conversation, or speaks. */
function withoutMachine(begun: BegunTurn, { sender, message }: SupportMessage, textsIn: TextsIn): SupportAnswer {
  const { conversation, messageId, receivedAt, isHandedOver } = begun;
  const { conversationId, status, reason, assignedAgent, language } = conversation;
  const texts = textsIn(language ?? undefined);
  const text = isHandedOver ? texts.handover : texts.waiting;
  return {
    ...{ conversationId, messageId, status, reason, assignedAgent },
    response: sender === 'agent' ? message : text,
    ...{ confidence: 0, sources: [], at: receivedAt },
  };
}

function keepsNothing(): ProxyError {
  const message =
    'Conversations with the support desk need what was said in them, and the organization stores no contents (storage.contents is None)';
  return new ProxyError('contents_not_stored', { message });
}
