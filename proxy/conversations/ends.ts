import { LRUCache } from 'lru-cache';
import type { CallPlace } from '../../database/requests.ts';
import { branchNumber } from './digests.ts';
import type { Message } from './messages.ts';
import { briefOf } from './split.ts';

/** The end of a conversation that this proxy has seen. */
export interface End {
  readonly conversationId: string;
  readonly branch: number;
  /** The point that its last call made. */
  readonly point: number;
}

/** A call, as `Ends` needs it. */
export interface Seen {
  readonly messages: readonly Message[];
  /** Its user, and the session that it names. */
  readonly scope: string;
  readonly hasSession: boolean;
  readonly digestOf: (text: string) => number;
  /** The messages that no earlier call has. */
  readonly isNew: readonly Message[];
}

/**
 * Recognises long conversations whose earlier messages the client has left out, shortened or replaced by a summary: by
 * what its caller said last before, or by the session. Only this process remembers, and only the newest ones.
 */
export interface Ends {
  note(seen: Seen, place: CallPlace): void;
  find(seen: Seen): End | undefined;
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
  // Not `max`: it would allocate all of its memory at once.
  const bounds = { maxSize: most, sizeCalculation: () => 1 };
  const ends = new LRUCache<number, End>(bounds);
  const roots = new LRUCache<number, string>(bounds);
  const keyOf = ({ scope, digestOf }: Seen, message: Message) => digestOf(`end ${scope}${briefOf([message])}`);
  const sessionKeyOf = ({ scope, digestOf }: Seen) => digestOf(`session ${scope}`);
  const telling = (messages: readonly Message[]) =>
    messages.filter(({ by, text, isSummary }) => by === 'caller' && !isSummary && text.length >= shortestMessage);
  return {
    note(seen, { conversationId, branchId, messageDigest }) {
      if (seen.messages.length < shortest) return;
      const end = { conversationId, branch: branchNumber(branchId), point: messageDigest };
      const last = telling(seen.isNew).at(-1);
      if (last) ends.set(keyOf(seen, last), end);
      if (seen.hasSession) ends.set(sessionKeyOf(seen), end);
    },
    find(seen) {
      if (ends.size === 0) return undefined;
      const earlier = seen.messages.slice(0, seen.messages.length - 1);
      const candidates = telling(earlier).slice(-tried).reverse();
      for (const message of candidates) {
        const end = ends.get(keyOf(seen, message));
        if (end) return end;
      }
      const isSummarized = seen.messages.some(({ isSummary }) => isSummary);
      return isSummarized && seen.hasSession ? ends.get(sessionKeyOf(seen)) : undefined;
    },
    adopt: (root, conversationId) => void roots.set(root, conversationId),
    adopted: (root) => (roots.size === 0 ? undefined : roots.get(root)),
  };
}
