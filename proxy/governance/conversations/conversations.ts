import {
  type ConversationRow,
  findConversation,
  listConversations as listRows,
  listTurns,
  type TurnRow,
} from '../../../database/conversations.ts';
import { userIdOf } from '../../../database/ids.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import type { Listed, Page } from '../page.ts';
import { admitRole, seesOrganization } from '../roles.ts';
import { readUserId } from '../user-id.ts';
import { type Branch, branchesOf } from './tree.ts';

type Reading = Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>;

export type Conversation = ConversationRow;

/** Which conversations are asked for. Absent: all. */
export interface ConversationQuestion {
  readonly user?: string | undefined;
  readonly session?: string | undefined;
  /** A model that answered, as the provider names it. */
  readonly model?: string | undefined;
  /** Moments, RFC 3339, between which the last call was. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/**
 * Lists conversations, those with the latest calls first: the caller's own, or any, for who sees the organization. The
 * total stops at 100,000.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `store_unavailable`
 */
export async function listConversations(
  { inForce, shipped, store }: Reading,
  caller: Caller,
  { user, session, model, since, until }: ConversationQuestion,
  page: Page,
): Promise<Listed<Conversation>> {
  const { organizationId } = inForce().snapshot;
  const named = user === undefined ? undefined : userIdOf(organizationId, readUserId('user', user));
  if (named !== undefined && named !== caller.userId) admitRole(caller, 'analyst', 'reviewer');
  const filter = {
    userId: named ?? (seesOrganization(caller) ? null : caller.userId),
    sessionId: session === undefined ? null : toStorable(session),
    model: model === undefined ? null : toStorable(model),
    since: readMoment('since', since),
    until: readMoment('until', until),
  };
  await shipped();
  const { conversations, total } = await store.run((db) => listRows(db, organizationId, { ...filter, ...page }));
  return { items: conversations, total };
}

/** A conversation with its newest calls. */
export interface OpenConversation extends Conversation {
  readonly turns: readonly TurnRow[];
  /** Of these calls. `main` is the first one. */
  readonly tree: readonly Branch[];
  /** Whether these are all of its calls. */
  readonly isWhole: boolean;
}

/** Earlier calls of a conversation are only counted. */
export const mostTurns = 2_000;

/**
 * Gets a conversation with the tree of its branches: the caller's own, or any, for who sees the organization.
 *
 * @param branchId a branch that it must have
 * @throws {ProxyError} `conversation_not_found`, the same for one that does not exist and one that is another user's;
 * `store_unavailable`
 */
export async function getConversation(
  { inForce, shipped, store }: Reading,
  caller: Caller,
  conversationId: string,
  branchId?: string,
): Promise<OpenConversation> {
  if (!isUuid(conversationId)) throw notFound(conversationId, branchId);
  const { organizationId } = inForce().snapshot;
  await shipped();
  const found = await store.run((db) => findConversation(db, organizationId, conversationId));
  if (!found || (found.userId !== caller.userId && !seesOrganization(caller))) throw notFound(conversationId, branchId);
  const turns = await store.run((db) => listTurns(db, organizationId, conversationId, mostTurns));
  const tree = branchesOf(turns);
  if (branchId !== undefined && !tree.some((branch) => branch.branchId === branchId)) {
    throw notFound(conversationId, branchId);
  }
  return { ...found, turns, tree, isWhole: turns.length < mostTurns };
}

function notFound(conversationId: string, branchId: string | undefined): ProxyError {
  const branch = branchId === undefined ? '' : ` with branch ${branchId.slice(0, 100)}`;
  return new ProxyError('conversation_not_found', {
    param: branchId === undefined ? 'id' : 'branch',
    message: `Conversation ${conversationId.slice(0, 100)}${branch} not found`,
  });
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function readMoment(param: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const moment = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(moment.getTime())) return moment.toISOString();
  throw new ProxyError('invalid_request', { param, message: `${param} must be a time such as 2027-01-31T12:00:00Z` });
}
