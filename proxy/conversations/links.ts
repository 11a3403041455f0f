import type { Envelope } from '../../database/envelope.ts';
import type { CallPlace } from '../../database/requests.ts';
import type { Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import { makeChats, type Sent, sentBy } from './chats.ts';
import { branchNumber, branchOf, type Digests, makeDigests, nameBranch, type Root } from './digests.ts';
import { type End, makeEnds, type Scope } from './ends.ts';
import { Fingerprint } from './fingerprint.ts';
import type { LookUpPoint } from './look-up.ts';
import { hasConversation, isSummary, listMessages, type Message, readMessages } from './messages.ts';
import { makePoints, type Point } from './points.ts';
import { briefOf, splitMessages, type Turn, turnsOf, wholeOf } from './split.ts';

/** A call that is to be linked. */
export interface Asked {
  readonly operation: OperationName;
  /** The body as the client sent it. */
  readonly body: Body;
  /** Its bytes. Undefined: it did not come as bytes of its own. */
  readonly raw?: Buffer | undefined;
  readonly userId: string;
  /** The session that the client named. Undefined where it named none. */
  readonly session: string | undefined;
  /** Where the response is that the call follows by `previous_response_id`; null where that is not known. */
  readonly previous?: CallPlace | null | undefined;
}

/** Where a call is in a conversation, and what it continues. */
export interface Place extends CallPlace {
  /** The digest of the call that it continues. Undefined: it continues none. */
  readonly parentDigest: number | undefined;
  /** How many messages it adds to that call. */
  readonly newMessages: number;
}

/** How a call was linked, for metrics. */
export const waysToLink = ['began', 'continued', 'forked', 'compacted', 'conversation', 'unknown'] as const;
export type WayToLink = (typeof waysToLink)[number];

/** A call with its place. */
export interface Linked {
  readonly place: Place;
  /** Asks the database where this proxy does not know what the call continues. Undefined: it knows. */
  readonly resolve: ((told: Told) => void) | undefined;
  /** The call has failed, so another one may continue in its place. */
  withdraw(): void;
}

/** What the client and the record have of a place so far. */
export interface Told {
  /** Whether the client has no header yet, and the call is not settled. */
  isOpen(): boolean;
  move(branchId: string): void;
}

/** Finds the conversation and the branch of a call. Undefined where its operation has none. It waits for nothing. */
export type Link = (asked: Asked, envelope: Pick<Envelope, 'lastingKey'>) => Linked | undefined;

export interface LinkOptions {
  readonly organizationId: string;
  readonly lookUp: LookUpPoint;
  readonly onLinked: (way: WayToLink) => void;
}

/** How many points a proxy remembers, in at most 3 MB. */
const mostPoints = 65_536;

/** How many histories a proxy remembers, in at most 0.8 MB. */
const mostHistories = 16_384;

/** How many users and sessions a proxy remembers the digests of. */
const mostScopes = 1_024;

/** What a call continues, and what it is itself. */
interface Step {
  readonly conversationId: string;
  readonly parent: number;
  /** The branch of what it continues, and its first continuation. Undefined: this proxy does not know it. */
  readonly at: Point | undefined;
  /** The point that later calls continue. Of two continuations of a point, the same one has the same digest. */
  readonly own: number;
  readonly newMessages: number;
  /** Absent: as a continuation or a fork. */
  readonly way?: WayToLink | undefined;
  /** Whether the database may know more. */
  readonly mayResolve: boolean;
}

export function makeLink({ organizationId, lookUp, onLinked }: LinkOptions): Link {
  const points = makePoints(mostPoints);
  /** The points of histories, by their fingerprints, so that nothing is digested again. */
  const histories = makePoints(mostHistories);
  const ends = makeEnds();
  const chats = makeChats();
  const scopes = new Map<string, Scope>();
  let digests: Digests | undefined;
  let madeBy: Pick<Envelope, 'lastingKey'> | undefined;
  const digestsBy = (envelope: Pick<Envelope, 'lastingKey'>): Digests => {
    if (!digests || madeBy !== envelope) {
      madeBy = envelope;
      digests = makeDigests(envelope.lastingKey(organizationId, 'conversations').toString('hex'));
    }
    return digests;
  };
  const note = (digest: number, branch: number) =>
    points.set(digest, { branch, first: points.find(digest)?.first ?? 0 });

  /** The first continuation of a point stays on its branch, and each other one begins a branch. */
  const follow = ({ conversationId, parent, at, own, newMessages, way, mayResolve }: Step): Linked => {
    const { branch: parentBranch, first } = at ?? { branch: 0, first: 0 };
    const claims = first === 0;
    if (claims) points.set(parent, { branch: parentBranch, first: own });
    const isFork = !claims && first !== own;
    const branch = isFork ? branchOf(own) : parentBranch;
    note(own, branch);
    onLinked(isFork ? 'forked' : (way ?? 'continued'));
    const resolve = (told: Told) =>
      lookUp({ conversationId, point: parent }, told.isOpen, (stored) => {
        const storedBranch = branchNumber(stored.branchId);
        points.set(parent, { branch: storedBranch, first: stored.first ?? own });
        const isOther = stored.first !== undefined && stored.first !== own;
        const found = isOther ? branchOf(own) : storedBranch;
        note(own, found);
        told.move(nameBranch(found));
      });
    const place = {
      conversationId,
      branchId: nameBranch(branch),
      messageDigest: own,
      parentDigest: parent,
      newMessages,
    };
    return {
      place,
      resolve: mayResolve ? resolve : undefined,
      withdraw() {
        const now = points.find(parent);
        if (claims && now?.first === own) points.set(parent, { branch: now.branch, first: 0 });
      },
    };
  };

  /** A call that continues nothing. Its conversation may be known all the same: it may be a repetition. */
  const begin = ({ conversationId, digest }: Root, newMessages: number, way: WayToLink): Linked => {
    const branch = points.find(digest)?.branch ?? 0;
    note(digest, branch);
    onLinked(way);
    const branchId = nameBranch(branch);
    return {
      place: { conversationId, branchId, messageDigest: digest, parentDigest: undefined, newMessages },
      resolve: undefined,
      withdraw() {},
    };
  };

  /** In a conversation that the provider keeps, calls are one after another. */
  const linkStored = (digests: Digests, id: string, { operation, body }: Asked): Linked => {
    const { conversationId, digest } = digests.root('conversation', id);
    const messages = readMessages(operation, body);
    const own = digests.of(`${digest}${wholeOf(messages)}`);
    return begin({ conversationId, digest: own }, messages.length, 'conversation');
  };

  const linkFollowing = (digests: Digests, id: string, { operation, body, previous }: Asked): Linked => {
    const messages = readMessages(operation, body);
    const root = previous ? undefined : digests.root('response', id);
    const parent = previous?.messageDigest ?? root?.digest ?? 0;
    const known = points.find(parent);
    const branch = previous ? branchNumber(previous.branchId) : 0;
    const own = digests.of(`${parent}${wholeOf(messages)}`);
    return follow({
      conversationId: previous?.conversationId ?? root?.conversationId ?? '',
      parent,
      at: { branch, first: known?.first ?? 0 },
      own,
      newMessages: messages.length,
      mayResolve: !known,
    });
  };

  const scopeOf = (digests: Digests, text: string, hasSession: boolean): Scope => {
    const known = scopes.get(text);
    if (known) return known;
    if (scopes.size >= mostScopes) scopes.clear();
    const scope = { digest: digests.of(`scope ${text}`), hasSession };
    scopes.set(text, scope);
    return scope;
  };

  /** A call of a chat that this proxy knows: only what is new in it is read. */
  const linkNext = (digests: Digests, scope: Scope, sent: Sent): Linked | undefined => {
    const found = chats.find(sent);
    const at = found && points.find(found.chat.point);
    if (!at) return undefined;
    const { chat, turn } = found;
    const own = pointAfter(digests, chat.point, turn);
    const { root, point } = chat;
    // Literals without parts that are spread into them: V8 adds each of their fields by a call into its runtime.
    const linked = follow({
      conversationId: ends.adopted(root.digest) ?? root.conversationId,
      parent: point,
      at,
      own,
      newMessages: turn.fresh.length,
      way: undefined,
      mayResolve: false,
    });
    const messages = chat.messages + turn.reply.length + turn.fresh.length;
    ends.note(scope, messages, turn.fresh, linked.place);
    chats.note(sent, { root, point: own, messages }, chat);
    return linked;
  };

  const linkMessages = (digests: Digests, { operation, body, raw, userId, session }: Asked): Linked => {
    const scopeText = `${userId} ${session?.length ?? ''}:${session ?? ''} `;
    const scope = scopeOf(digests, scopeText, session !== undefined);
    const list = raw && listMessages(operation, body);
    const sent = list && sentBy(scope.digest, list, raw);
    const next = sent && linkNext(digests, scope, sent);
    if (next) return next;
    const messages = readMessages(operation, body);
    const { first, history, reply, fresh } = splitMessages(messages);
    const root = digests.root('messages', scopeText + wholeOf(first));
    const conversationId = ends.adopted(root.digest) ?? root.conversationId;
    const seenSoFar = new Fingerprint(root.digest).add(history);
    const inPlace = (parent: number, end: End | undefined): Linked => {
      const own = reply.length === 0 ? root.digest : pointAfter(digests, parent, { reply, fresh });
      histories.set(seenSoFar.add(reply).add(fresh).value, { branch: 0, first: own });
      if (end && end.conversationId !== conversationId) ends.adopt(root.digest, end.conversationId);
      const known = points.find(end?.point ?? parent);
      return follow({
        conversationId: end?.conversationId ?? conversationId,
        parent: end?.point ?? parent,
        at: known ?? (end && { branch: end.branch, first: 0 }),
        own,
        newMessages: fresh.length,
        ...(end ? { way: 'compacted' } : !known && { way: 'unknown' }),
        mayResolve: !known && !end,
      });
    };
    const find = (): Linked => {
      if (reply.length === 0) {
        const end = first.some(isSummary) ? ends.find(scope, messages) : undefined;
        return end ? inPlace(root.digest, end) : begin({ ...root, conversationId }, fresh.length, 'began');
      }
      const parent =
        history.length === 0
          ? root.digest
          : (histories.find(seenSoFar.value)?.first ?? pointOf(digests, root, history));
      return inPlace(parent, points.find(parent) ? undefined : ends.find(scope, messages));
    };
    const linked = find();
    ends.note(scope, messages.length, fresh, linked.place);
    // Not where the model is to continue an answer that is the last message, or has said everything so far.
    const last = messages.at(-1);
    if (sent && last?.by === 'caller' && last === fresh.at(-1)) {
      const point = linked.place.messageDigest;
      chats.note(sent, { root, point, messages: messages.length });
    }
    return linked;
  };

  return (asked, envelope) => {
    const { operation, body } = asked;
    if (!hasConversation(operation)) return undefined;
    const digests = digestsBy(envelope);
    const stored = conversationOf(body);
    if (stored !== undefined) return linkStored(digests, stored, asked);
    const { previous_response_id: previousId } = body;
    if (typeof previousId === 'string' && previousId !== '') return linkFollowing(digests, previousId, asked);
    return linkMessages(digests, asked);
  };
}

/** The point that a turn makes after another one. */
function pointAfter(digests: Digests, parent: number, { reply, fresh }: Turn): number {
  return digests.of(`${parent}${briefOf(reply)}${briefOf(fresh)}`);
}

/** The point of a history: digest after digest, as its calls have made them. */
function pointOf(digests: Digests, root: Root, history: readonly Message[]): number {
  let point = root.digest;
  for (const turn of turnsOf(history)) point = digests.of(`${point}${briefOf(turn)}`);
  return point;
}

/** The conversation of the Conversations API that a call adds to. */
function conversationOf({ conversation }: Body): string | undefined {
  if (typeof conversation === 'string') return conversation;
  const id = typeof conversation === 'object' && conversation !== null && 'id' in conversation ? conversation.id : '';
  return typeof id === 'string' && id !== '' ? id : undefined;
}
