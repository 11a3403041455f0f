import { randomInt } from 'node:crypto';
import type { RequestReference } from '../../database/requests.ts';

/** The most recent calls, by request id and response id. */
export interface RecentCalls {
  /** A call whose ids are longer than the proxy ever stores is not remembered. */
  add(call: RequestReference): void;
  /** Finds a call by either id. Of several calls with the same response id, it finds the newest. */
  find(id: string): RequestReference | undefined;
}

/**
 * Remembers the calls of at most `count` ids, and always those of the last `count / 2`. There are two halves: when the
 * newer half is full, it becomes the older half, and the former older half is emptied. Every call is added, and an LRU
 * order would cost more than all else that is noted about a call.
 *
 * The calls are kept as text in buffers. As objects and strings, they would be half of what V8 marks in each collection,
 * and each new call would make some garbage among the old objects.
 */
export function makeRecentCalls(count: number): RecentCalls {
  const half = Math.ceil(count / 2);
  let newer = new Half(half);
  let older = new Half(half);
  return {
    find: (id) => newer.find(id) ?? older.find(id),
    add(call) {
      if (newer.ids >= half) {
        [newer, older] = [older, newer];
        newer.clear();
      }
      newer.add(call);
    },
  };
}

const chunkBytes = 64 * 1024;
const lengthBytes = 2;
/** A different one in each process, so that nobody can choose ids that meet in the table. */
const hashSeed = randomInt(2 ** 31);

type Row = [
  requestId: string,
  responseId: string | null,
  userId: string,
  sessionId: string,
  apiKeyId: string | null,
  conversationId?: string,
  branchId?: string,
  messageDigest?: number,
];

class Half {
  readonly #mask: number;
  /** An open hash table. A slot has the hash of an id, and the place of its call plus one; zero: the slot is free. */
  #slots: Int32Array | undefined;
  readonly #chunks: Buffer[] = [];
  /** Where the next text goes. */
  #end = 0;
  #ids = 0;

  constructor(ids: number) {
    // The last call may have one more. Half of the slots stay free.
    this.#mask = 2 ** Math.ceil(Math.log2((ids + 1) * 2)) - 1;
  }

  get ids(): number {
    return this.#ids;
  }

  add(call: RequestReference): void {
    const row: Row = [call.requestId, call.responseId, call.userId, call.sessionId, call.apiKeyId];
    if (call.place) row.push(call.place.conversationId, call.place.branchId, call.place.messageDigest);
    const text = JSON.stringify(row);
    if (maxBytesOf(text) > chunkBytes) return;
    const place = this.#write(text);
    // Made at the first call: a proxy starts without them.
    this.#slots ??= new Int32Array((this.#mask + 1) * 2);
    this.#note(this.#slots, call.requestId, place);
    if (call.responseId !== null) this.#note(this.#slots, call.responseId, place);
  }

  find(id: string): RequestReference | undefined {
    const slots = this.#slots;
    const place = slots?.[this.#slotOf(slots, id, hashOf(id)) + 1];
    return place ? this.#read(place - 1) : undefined;
  }

  clear(): void {
    this.#slots?.fill(0);
    this.#end = 0;
    this.#ids = 0;
  }

  #note(slots: Int32Array, id: string, place: number): void {
    const hash = hashOf(id);
    const slot = this.#slotOf(slots, id, hash);
    slots[slot] = hash;
    slots[slot + 1] = place + 1;
    this.#ids += 1;
  }

  /** @returns the slot of this id, or the free one that it would get */
  #slotOf(slots: Int32Array, id: string, hash: number): number {
    for (let number = hash & this.#mask; ; number = (number + 1) & this.#mask) {
      const slot = number * 2;
      const place = slots[slot + 1] ?? 0;
      if (place === 0) return slot;
      if (slots[slot] !== hash) continue;
      const { requestId, responseId } = this.#read(place - 1);
      if (requestId === id || responseId === id) return slot;
    }
  }

  /** @returns where the text is */
  #write(text: string): number {
    const used = this.#end % chunkBytes;
    if (used + maxBytesOf(text) > chunkBytes) this.#end += chunkBytes - used;
    const place = this.#end;
    const chunk = this.#chunkOf(place);
    const length = chunk.write(text, (place % chunkBytes) + lengthBytes);
    chunk.writeUInt16LE(length, place % chunkBytes);
    this.#end += lengthBytes + length;
    return place;
  }

  #read(at: number): RequestReference {
    const chunk = this.#chunkOf(at);
    const start = (at % chunkBytes) + lengthBytes;
    const length = chunk.readUInt16LE(start - lengthBytes);
    const row: Row = JSON.parse(chunk.toString('utf8', start, start + length));
    const [requestId, responseId, userId, sessionId, apiKeyId, conversationId, branchId = '', messageDigest = 0] = row;
    const place = conversationId === undefined ? null : { conversationId, branchId, messageDigest };
    return { requestId, responseId, userId, sessionId, apiKeyId, place };
  }

  #chunkOf(place: number): Buffer {
    const index = Math.floor(place / chunkBytes);
    const chunk = this.#chunks[index] ?? Buffer.allocUnsafeSlow(chunkBytes);
    this.#chunks[index] = chunk;
    return chunk;
  }
}

/** An upper bound: a character of text has at most three bytes. */
function maxBytesOf(text: string): number {
  return lengthBytes + text.length * 3;
}

/** FNV-1a of a text's characters, with its bits mixed once more. */
function hashOf(id: string): number {
  let hash = hashSeed;
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 15);
}
