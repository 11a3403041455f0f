import { type Contents, type ContentsPlace, openContents } from '../../../database/contents.ts';
import { type Envelope, EnvelopeError } from '../../../database/envelope.ts';
import { requestStartedAtMs } from '../../../database/ids.ts';
import { findRequestContents, type RequestContents } from '../../../database/requests.ts';
import { ProxyError } from '../../error.ts';
import { parseObject } from '../../providers/json.ts';
import type { GovernanceContext } from '../context.ts';
import { type Conversation, readConversation } from './conversation.ts';

/**
 * What was said in a call, from the spool where it still waits there, or from the database.
 *
 * @throws {ProxyError} `contents_not_stored`, `nothing_to_analyze` or `store_unavailable`
 */
export async function findConversation(
  { spool, store, inForce }: Pick<GovernanceContext, 'spool' | 'store' | 'inForce'>,
  requestId: string,
): Promise<Conversation> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const contents =
    findWaiting(spool, requestId) ??
    (await store.run((db) => findRequestContents(db, organizationId, requestId, requestStartedAtMs(requestId) ?? 0)));
  const said = contents?.sealed ? openSealed(envelope, { organizationId, requestId }, contents.sealed) : undefined;
  const request = said ? parseObject(said.input.toString()) : null;
  const answer = said?.output ? parseObject(said.output.toString()) : null;
  if (!contents || !request) throw notStored(snapshot.storesContents ? absent('what was asked') : withheld);
  // One that failed or was cancelled may have none; one that completed had.
  if (!answer && contents.status === 'completed') throw notStored(absent('the answer'));
  const conversation = readConversation(request, answer);
  if (conversation.userInput === '' && conversation.aiResponse === '') {
    throw new ProxyError('nothing_to_analyze', { param: 'id' });
  }
  return conversation;
}

function findWaiting(spool: GovernanceContext['spool'], requestId: string): RequestContents | undefined {
  const call = spool.findWaiting(requestId);
  return call && { status: call.record.status, sealed: call.sealed.length > 0 ? call.sealed : null };
}

function openSealed(envelope: Envelope, place: ContentsPlace, sealed: Uint8Array): Contents {
  try {
    return openContents(envelope, place, sealed);
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause;
    throw notStored('it was sealed with a data key that is lost, or was changed since', cause);
  }
}

const withheld = 'the organization stores no contents (storage.contents is None)';
const absent = (what: string) => `${what} was too large to be kept, was no JSON, or has been erased`;

function notStored(reason: string, cause?: unknown): ProxyError {
  const message = `What was said in this request is not stored: ${reason}`;
  return new ProxyError('contents_not_stored', { param: 'id', message, cause });
}
