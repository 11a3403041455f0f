import { crc32 } from 'node:zlib';
import type { Root } from './digests.ts';
import { endOfList } from './end-of-list.ts';
import { type MessageList, readFrom, readOpening } from './messages.ts';
import { Recent } from './recent.ts';
import { nextTurn, type Turn } from './split.ts';

/** A chat, as its last call here had it. */
export interface Chat {
  /** A keyed digest of its user and its session, of 52 bits. */
  readonly scope: number;
  readonly root: Root;
  /** The point that its last call made. */
  readonly point: number;
  /** How many messages it had. */
  readonly messages: number;
}

/** A body whose messages may continue a chat. */
export interface Sent {
  /** Whose it is, as of a chat. */
  readonly scope: number;
  readonly list: MessageList;
  readonly raw: Buffer;
  /** Where its chat is kept. */
  readonly place: number;
}

export function sentBy(scope: number, list: MessageList, raw: Buffer): Sent {
  return { scope, list, raw, place: placeOf(scope, list) };
}

/**
 * Recognises the next call of a chat by the bytes of its body. Clients send all messages again with each call, and nearly
 * always in the same words, so the body begins with the bytes of the one before. One checksum of them tells so, however
 * many messages there are, and only what is new is read.
 *
 * The checksum is CRC-32, which can be forged. A chat is found for its own user and session alone, so whoever forges it gets
 * a wrong branch in a conversation of their own.
 */
export interface Chats {
  /** The chat that a body continues, and what is new in it. Undefined: it is to be read as a whole. */
  find(sent: Sent): { readonly chat: Noted; readonly turn: Turn } | undefined;
  /** Remembers a call. @param before its chat, as `find` has just found it */
  note(sent: Sent, chat: Omit<Chat, 'scope'>, before?: Noted): void;
}

const most = 4_096;

/** It is changed by each call of its chat: a new object for each would make garbage among the old ones. */
interface Noted extends Chat {
  point: number;
  messages: number;
  /** How many bytes of the body its messages end after, and the checksum of these. */
  bytes: number;
  checksum: number;
  /** How many values of the list they are. */
  values: number;
}

export function makeChats(): Chats {
  const chats = new Recent<Noted>(most);
  return {
    find({ scope, list, raw, place }) {
      // What goes on has more than one.
      if (list.values.length < 2) return undefined;
      const chat = chats.get(place);
      if (!chat || chat.scope !== scope || chat.values >= list.values.length || chat.bytes >= raw.length)
        return undefined;
      if (crc32(raw.subarray(0, chat.bytes)) !== chat.checksum) return undefined;
      const turn = nextTurn(readFrom(list, chat.values));
      return turn && { chat, turn };
    },
    note({ scope, list, raw, place }, { root, point, messages }, before) {
      const bytes = endOfList(raw, list.values.at(-1));
      if (bytes === 0) return;
      const values = list.values.length;
      if (before && before.bytes < bytes) {
        before.checksum = crc32(raw.subarray(before.bytes, bytes), before.checksum);
        before.point = point;
        before.messages = messages;
        before.bytes = bytes;
        before.values = values;
        return;
      }
      const checksum = crc32(raw.subarray(0, bytes));
      chats.set(place, { scope, root, point, messages, bytes, checksum, values });
    },
  };
}

/** What tells openings apart: so many characters of their beginning, and as many spread over the rest. */
const samples = 32;

/** Where a chat is kept: by some characters of what its caller said first. Of two chats of one place, the later one stays. */
function placeOf(scope: number, list: MessageList): number {
  const text = readOpening(list);
  const { length } = text;
  let place = Math.imul(scope % 2 ** 32, prime) ^ length;
  const begin = Math.min(samples, length);
  for (let at = 0; at < begin; at += 1) place = Math.imul(place ^ text.charCodeAt(at), prime);
  const step = Math.max(1, Math.floor((length - begin) / samples));
  for (let at = length - 1; at >= begin; at -= step) place = Math.imul(place ^ text.charCodeAt(at), prime);
  return (place ^ (place >>> 15)) >>> 0;
}

/** That of FNV-1a. */
const prime = 0x01000193;
