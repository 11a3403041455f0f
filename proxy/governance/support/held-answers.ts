import { type HeldAnswer, holdAnswers } from '../../../database/support/messages.ts';
import type { GovernanceContext } from '../context.ts';

/** Three times before a hold ends. */
const renewMs = 10_000;

/** The answers that this process is making. While there are any, it says so to the database, for all in one statement. */
export type HeldAnswers = ReturnType<typeof makeHeldAnswers>;

export function makeHeldAnswers({ store, inForce }: Pick<GovernanceContext, 'store' | 'inForce'>) {
  const held = new Set<HeldAnswer>();
  /** The last answer of each conversation, by the conversation's id. */
  const last = new Map<string, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  const renew = () => {
    const { organizationId } = inForce().snapshot;
    // Without the database, no answer can be stored either.
    store.run((db) => holdAnswers(db, organizationId, [...held])).catch(() => {});
  };

  /**
   * Begins an answer. Call it in the work of the store that numbers it, so that answers queue in their order.
   *
   * @returns when the answers before it have ended, and how to end it
   */
  return (answer: HeldAnswer): { readonly before: Promise<void>; readonly end: () => void } => {
    const { conversationId } = answer;
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = last.get(conversationId) ?? Promise.resolve();
    const mine = before.then(() => promise);
    last.set(conversationId, mine);
    held.add(answer);
    timer ??= setInterval(renew, renewMs).unref();
    const end = () => {
      held.delete(answer);
      if (held.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
      if (last.get(conversationId) === mine) last.delete(conversationId);
      resolve();
    };
    return { before, end };
  };
}
