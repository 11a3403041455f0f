import { type Envelope, EnvelopeError } from '../../../database/envelope.ts';
import { parseObject } from '../../providers/json.ts';

type Column = 'support_messages.contents' | 'support_conversations.metadata' | 'support_conversations.comment';

/** Seals what is said in a conversation. @param rowId the conversation's id, or that and the message's number */
export function sealSaid(
  envelope: Envelope,
  organizationId: string,
  column: Column,
  rowId: string,
  said: object,
): Buffer {
  return envelope.seal({ organizationId, column, rowId }, JSON.stringify(said));
}

/** Opens it. What was sealed with a data key that is lost is empty. */
export function openSaid(
  envelope: Envelope,
  organizationId: string,
  column: Column,
  rowId: string,
  sealed: Uint8Array | null,
): Readonly<Record<string, unknown>> {
  if (sealed === null) return {};
  try {
    return parseObject(envelope.open({ organizationId, column, rowId }, sealed).toString()) ?? {};
  } catch (error) {
    if (error instanceof EnvelopeError) return {};
    throw error;
  }
}
