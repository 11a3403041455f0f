import { openContents } from '../../../database/contents.ts';
import { EnvelopeError } from '../../../database/envelope.ts';
import { requestStartedAtMs } from '../../../database/ids.ts';
import { findRequestStory, type RequestStory } from '../../../database/request-listing.ts';
import { findRequestContents } from '../../../database/requests.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { seesOrganization } from '../roles.ts';

export type { RequestStory };

type Reading = Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>;

/** What was asked and answered, as far as it is kept. */
export interface ShownContents {
  readonly input: ShownText;
  /** Null where there was no answer, or it was too large to be kept. */
  readonly output: ShownText | null;
}

export interface ShownText {
  readonly text: string;
  readonly bytes: number;
  /** Whether `text` is only its beginning. */
  readonly isCut: boolean;
}

/** Of each text, so that a body with images does not fill an answer. */
const mostShownBytes = 200_000;

/**
 * Gets all that is recorded of a call: of one's own, or of any, for who sees the organization.
 *
 * @throws {ProxyError} `request_not_found`, the same for one that does not exist and one that is another user's;
 * `records_pending`, `store_unavailable`
 */
export async function getRequest(
  { inForce, shipped, store }: Reading,
  caller: Caller,
  requestId: string,
): Promise<RequestStory> {
  const startedAtMs = requestStartedAtMs(requestId);
  if (startedAtMs === undefined) throw new ProxyError('request_not_found', { param: 'id' });
  await shipped();
  const { organizationId } = inForce().snapshot;
  const found = await store.run((db) => findRequestStory(db, organizationId, requestId, startedAtMs));
  if (found && (found.userId === caller.userId || seesOrganization(caller))) return found;
  throw new ProxyError('request_not_found', { param: 'id' });
}

/**
 * Reads what was asked and answered in a call. Who may read it is already decided (`getRequest`).
 *
 * @returns undefined where it is not kept, or its key is gone
 * @throws {ProxyError} `store_unavailable`
 */
export async function readContents(
  { inForce, store }: Pick<GovernanceContext, 'inForce' | 'store'>,
  { requestId, startedAt }: Pick<RequestStory, 'requestId' | 'startedAt'>,
): Promise<ShownContents | undefined> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const found = await store.run((db) => findRequestContents(db, organizationId, requestId, startedAt.getTime()));
  if (!found?.sealed) return undefined;
  try {
    const { input, output } = openContents(envelope, { organizationId, requestId }, found.sealed);
    return { input: show(input), output: output === undefined ? null : show(output) };
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}

function show(content: Buffer): ShownText {
  const isCut = content.length > mostShownBytes;
  // A character that is cut in two becomes U+FFFD.
  return { text: content.subarray(0, mostShownBytes).toString(), bytes: content.length, isCut };
}
