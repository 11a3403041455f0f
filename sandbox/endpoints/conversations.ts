import type { Fields } from '../fields.ts';
import { missing } from '../fields.ts';
import { itemId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Conversation, Keep } from '../keep.ts';
import type { Lookup } from '../lookup.ts';
import { pageOf } from '../paging.ts';
import { ProviderError } from '../provider-error.ts';
import { keepItems } from './items.ts';
import { inputItem } from './response-object.ts';

export function createConversation({ body, keep }: Lookup): JsonObject {
  const object = {
    id: itemId('conv'),
    object: 'conversation',
    created_at: Math.floor(Date.now() / 1000),
    metadata: body.metadata() ?? {},
  };
  const items = (body.objects('items') ?? []).map(inputItem);
  keep.conversations.set(object.id, { object, items });
  keepItems(keep, items);
  return object;
}

export function readConversation({ keep, id }: Lookup): JsonObject {
  return requireConversation(keep, id).object;
}

export function updateConversation({ keep, id, body }: Lookup): JsonObject {
  const conversation = requireConversation(keep, id);
  conversation.object = { ...conversation.object, metadata: body.metadata() ?? {} };
  return conversation.object;
}

export function deleteConversation({ keep, id }: Lookup): JsonObject {
  requireConversation(keep, id);
  keep.conversations.delete(id);
  return { id, object: 'conversation.deleted', deleted: true };
}

export function listConversationItems({ keep, id, query }: Lookup): JsonObject {
  return pageOf(requireConversation(keep, id).items, query);
}

export function createConversationItems({ keep, id, body, query }: Lookup): JsonObject {
  const conversation = requireConversation(keep, id);
  const added = (body.objects('items') ?? fail('items')).map(inputItem);
  conversation.items.push(...added);
  keepItems(keep, added);
  query.set('order', 'asc');
  return pageOf(added, query);
}

export function readConversationItem({ keep, id, item }: Lookup): JsonObject {
  const found = requireConversation(keep, id).items.find((candidate) => candidate.id === item);
  if (found) return found;
  throw new ProviderError(`Item with id '${item}' not found.`, { status: 404 });
}

export function deleteConversationItem(lookup: Lookup): JsonObject {
  const gone = readConversationItem(lookup);
  const conversation = requireConversation(lookup.keep, lookup.id);
  conversation.items = conversation.items.filter((item) => item !== gone);
  return conversation.object;
}

/** Finds the conversation of a response. The field `conversation` is its id, or an object with the id. */
export function conversationOf(keep: Keep, body: Fields): Conversation | null {
  const value = body.value('conversation');
  if (value === null) return null;
  const id = typeof value === 'string' ? value : body.nested('conversation')?.requiredString('id');
  return requireConversation(keep, id ?? '');
}

/** @throws ProviderError 404 */
function requireConversation(keep: Keep, id: string): Conversation {
  const conversation = keep.conversations.peek(id);
  if (conversation) return conversation;
  throw new ProviderError(`Conversation with id '${id}' not found.`, { status: 404 });
}

function fail(path: string): never {
  throw missing(path);
}
