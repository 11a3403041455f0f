import type { CallPlace } from '../../database/requests.ts';
import { branchNumber } from './digests.ts';
import { Fingerprint } from './fingerprint.ts';
import { isSummary, type Message } from './messages.ts';
import { Recent } from './recent.ts';

/** The end of a conversation that this proxy has seen. */
export interface End {
  readonly conversationId: string;
  readonly branch: number;
  /** The point that its last call made. */
  readonly point: number;
}

/** Whose call it is. */
export interface Scope {
  /** A keyed digest of its user, and of the session that it names, of 52 bits. */
  readonly digest: number;
  readonly hasSession: boolean;
}

/**
 * Recognises long conversations whose earlier messages the client has left out, shortened or replaced by a summary: by
 * what its caller said last before, or by the session. Only this process remembers, and only the newest ones.
 */
export interface Ends {
  /** @param messages how many the call has @param fresh those that no earlier call has */
  note(scope: Scope, messages: number, fresh: readonly Message[], place: CallPlace): void;
  /** @param messages those of a call */
  find(scope: Scope, messages: readonly Message[]): End | undefined;
  /** The conversation goes on with another beginning. */
  adopt(root: number, conversationId: string): void;
  /** The conversation that goes on with this beginning. */
  adopted(root: number): string | undefined;
}

const most = 2_048;
/** A shorter conversation has no history to be left out. */
const shortest = 4;
/** A shorter message is said in many conversations. */
const shortestMessage = 12;
/** How many messages are tried, from the last one back. */
const tried = 4;

export function makeEnds(): Ends {
  const ends = new Recent<End>(most);
  const roots = new Recent<string>(most);
  const keyOf = ({ digest }: Scope, message: Message) => new Fingerprint(digest).add([message]).value;
  return {
    note(scope, messages, fresh, { conversationId, branchId, messageDigest }) {
      if (messages < shortest) return;
      const end = { conversationId, branch: branchNumber(branchId), point: messageDigest };
      const last = fresh.findLast(isTelling);
      if (last) ends.set(keyOf(scope, last), end);
      if (scope.hasSession) ends.set(scope.digest, end);
    },
    find(scope, messages) {
      if (ends.isEmpty) return undefined;
      const candidates = messages.slice(0, -1).filter(isTelling).slice(-tried).reverse();
      for (const message of candidates) {
        const end = ends.get(keyOf(scope, message));
        if (end) return end;
      }
      return scope.hasSession && messages.some(isSummary) ? ends.get(scope.digest) : undefined;
    },
    adopt: (root, conversationId) => roots.set(root, conversationId),
    adopted: (root) => (roots.isEmpty ? undefined : roots.get(root)),
  };
}

/** Whether a message tells a conversation from others. */
function isTelling(message: Message): boolean {
  return message.by === 'caller' && message.text.length >= shortestMessage && !isSummary(message);
}
