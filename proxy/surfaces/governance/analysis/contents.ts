import { requestStartedAtMs } from '../../../../database/ids.ts';
import { findRequestContents, type RequestContents } from '../../../../database/requests.ts';
import { ProxyError } from '../../../error.ts';
import { parseObject } from '../../../pipeline/operations/json.ts';
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
  const open = (column: string, sealed: Uint8Array | null | undefined) =>
    sealed ? parseObject(envelope.open({ organizationId, column, rowId: requestId }, sealed).toString()) : null;
  const request = open('request_contents.input', contents?.inputSealed);
  const answer = open('request_contents.output', contents?.outputSealed);
  if (!contents || !request) throw notStored(snapshot.storesContents ? 'What was asked' : undefined);
  // One that failed or was cancelled may have none; one that completed had.
  if (!answer && contents.status === 'completed') throw notStored('The answer');
  const conversation = readConversation(request, answer);
  if (conversation.userInput === '' && conversation.aiResponse === '') {
    throw new ProxyError('nothing_to_analyze', { param: 'id' });
  }
  return conversation;
}

function findWaiting(spool: GovernanceContext['spool'], requestId: string): RequestContents | undefined {
  const record = spool.findWaiting(requestId);
  if (!record) return undefined;
  const bytes = (sealed: string | null) => (sealed === null ? null : Buffer.from(sealed, 'base64'));
  return {
    status: record.status,
    inputSealed: bytes(record.input_sealed),
    outputSealed: bytes(record.output_sealed),
  };
}

/** `what`: undefined where the organization keeps nothing that is said. */
function notStored(what: string | undefined): ProxyError {
  const reason =
    what === undefined
      ? 'the organization stores no contents (storage.contents is None)'
      : `${what.toLowerCase()} was too large to be kept, was no JSON, or has been erased`;
  return new ProxyError('contents_not_stored', {
    param: 'id',
    message: `What was said in this request is not stored: ${reason}`,
  });
}
