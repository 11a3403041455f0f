import { crc32 } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { Root } from './digests.ts';
import { endOfList } from './end-of-list.ts';
import { Fingerprint } from './fingerprint.ts';
import { type Message, type MessageList, readFrom } from './messages.ts';
import { nextTurn, type Turn } from './split.ts';

/** A chat, as its last call here had it. */
export interface Chat {
  readonly root: Root;
  /** The point that its last call made. */
  readonly point: number;
  /** How many messages it had. */
  readonly messages: number;
  /** The fingerprint of all of them but the first ones. */
  readonly seen: Fingerprint;
}

/** A body whose messages may continue a chat. */
export interface Sent {
  readonly list: MessageList;
  readonly raw: Buffer;
}

/**
 * Recognises the next call of a chat by the bytes of its body. Clients send all messages again with each call, and nearly
 * always in the same words, so the body begins with the bytes of the one before. One checksum of them tells so, however
 * many messages there are, and only what is new is read.
 *
 * The checksum is CRC-32, which can be forged. A chat is found by its user, its session and its first messages, so whoever
 * forges it gets a wrong branch in a conversation of their own.
 */
export interface Chats {
  /** The chat that a body continues, and what is new in it. Undefined: it is to be read as a whole. */
  find(key: number, sent: Sent): { readonly chat: Chat; readonly turn: Turn } | undefined;
  /** Remembers a call. @param turn what was new in it, where `find` has found its chat */
  note(key: number, sent: Sent, chat: Chat, before?: Chat): void;
}

/** The key of a chat. @param scope a keyed digest of its user and its session, of 52 bits */
export function chatKey(scope: number, first: readonly Message[]): number {
  return new Fingerprint(scope).add(first).value;
}

const most = 4_096;

interface Noted extends Chat {
  /** How many bytes of the body its messages end after, and the checksum of these. */
  readonly bytes: number;
  readonly checksum: number;
  /** How many values of the list they are. */
  readonly values: number;
}

export function makeChats(): Chats {
  // Not `max`: it would allocate all of its memory at once.
  const chats = new LRUCache<number, Noted>({ maxSize: most, sizeCalculation: () => 1 });
  return {
    find(key, { list, raw }) {
      const chat = chats.get(key);
      if (!chat || chat.values >= list.values.length || chat.bytes >= raw.length) return undefined;
      if (crc32(raw.subarray(0, chat.bytes)) !== chat.checksum) return undefined;
      const turn = nextTurn(readFrom(list, chat.values));
      return turn && { chat, turn };
    },
    note(key, { list, raw }, { root, point, messages, seen }, before) {
      const bytes = endOfList(raw, list.values.at(-1));
      if (bytes === 0) return;
      const former = before ? chats.peek(key) : undefined;
      const checksum =
        former && former === before && former.bytes < bytes
          ? crc32(raw.subarray(former.bytes, bytes), former.checksum)
          : crc32(raw.subarray(0, bytes));
      chats.set(key, { root, point, messages, seen, bytes, checksum, values: list.values.length });
    },
  };
}
