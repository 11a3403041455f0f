import { type SentimentAlertData, tellLive } from '../../../database/live-events.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { findSupportConversation, noteSupportAlert } from '../../../database/support/conversations.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { emitEvent } from '../../../database/webhook-events.ts';
import { ProxyError } from '../../error.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { leastAlarming } from '../insights/sentiment/alert.ts';
import { loadRateByLexicon } from '../insights/sentiment/rate-by-lexicon.ts';
import type { BegunTurn } from './begin-turn.ts';
import type { SupportContext } from './desk.ts';
import type { DeskReply } from './reply.ts';

/** How a customer's message sounds, as far as an alert goes by it. */
export type Mood =
  | { readonly kind: 'alarming'; readonly alert: Alert }
  /** The customer has recovered. */
  | { readonly kind: 'calm' };

type Alert = Pick<SentimentAlertData, 'sentiment' | 'positive' | 'negative' | 'neutral' | 'method'>;

/** By what the model that answers says of the message. Undefined: it changes nothing. */
export function moodByModel(sentiment: DeskReply['sentiment']): Mood | undefined {
  const unknown = { positive: null, negative: null, neutral: null };
  if (sentiment === 'very_negative') return { kind: 'alarming', alert: { sentiment, ...unknown, method: 'ai' } };
  return sentiment === 'negative' ? undefined : { kind: 'calm' };
}

/**
 * By the words of the message, where no model answers it: `spec.insights.alerts.negative`. Undefined: it changes nothing, or
 * is not in English.
 */
export async function moodByWords(snapshot: Pick<Snapshot, 'spec'>, text: string): Promise<Mood | undefined> {
  const rate = await loadRateByLexicon();
  try {
    const { sentiment, positive, negative, neutral } = rate({ text });
    const alert: Alert = { sentiment, positive, negative, neutral, method: 'vader' };
    if (negative >= leastAlarming(snapshot)) return { kind: 'alarming', alert };
    return sentiment === 'negative' ? undefined : { kind: 'calm' };
  } catch (error) {
    if (error instanceof ProxyError && error.code === 'language_unsupported') return undefined;
    throw error;
  }
}

/**
 * Alerts those who watch, and webhooks, to a very unhappy customer: once in a conversation, until the customer recovers.
 * What fails here does not fail the request.
 *
 * @param mood how the customer's message sounds. Undefined: nothing changes
 */
export async function noteMood(
  { store }: Pick<SupportContext, 'store'>,
  { organizationId }: Pick<Snapshot, 'organizationId'>,
  { conversation, messageId }: BegunTurn,
  mood: Mood | undefined,
): Promise<void> {
  // Nearly every message.
  if (!mood || (mood.kind === 'calm' && conversation.alertedAt === null)) return;
  await store
    .run((db) => inTransaction(db, () => storeMood(db, organizationId, conversation.conversationId, messageId, mood)))
    .catch((error: unknown) => {
      if (!(error instanceof ProxyError)) throw error;
    });
}

async function storeMood(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  messageId: string,
  mood: Mood,
): Promise<void> {
  const now = await findSupportConversation(db, organizationId, conversationId, true);
  if (!now || (mood.kind === 'alarming') === (now.alertedAt !== null)) return;
  await noteSupportAlert(db, organizationId, conversationId, mood.kind === 'alarming');
  if (mood.kind === 'calm') return;
  const { alert } = mood;
  const { channel, userId } = now;
  const data = { conversation_id: conversationId, channel, message_id: messageId, ...alert };
  await emitEvent(db, { type: 'sentiment.alert', subject: `conversation/${conversationId}`, userId, data });
  const about = { request_id: null, text_id: null, conversation_id: conversationId, message_id: messageId };
  await tellLive(db, 'sentiment_alert', { ...about, ...alert });
}
