import { crc32 } from 'node:zlib';
import type { Message } from './messages.ts';

/** A longer message is known by its length, its beginning, its end and a checksum of all of it. */
const wholeLength = 64;
const beginLength = 24;
const endLength = 16;

/**
 * A fingerprint of messages, in this process alone: it finds the point of a history that was seen before, at a fraction of
 * what digests of the history cost. It begins with a keyed digest of what is one user's alone. So nobody without the key can
 * make a history that has the fingerprint of another user's.
 *
 * Two multiplicative hashes of 32 bits, each of every second character. The checksum of a long message is computed outside of
 * JavaScript, at a fraction of what a loop would take.
 */
export class Fingerprint {
  #even: number;
  #odd: number;

  /** @param root 52 bits */
  constructor(root: number) {
    this.#even = Math.imul(Math.floor(root / 2 ** 26) + 1, evenPrime);
    this.#odd = Math.imul((root % 2 ** 26) + 1, oddPrime);
  }

  /** Continues with more messages. */
  add(messages: readonly Message[]): this {
    let even = this.#even;
    let odd = this.#odd;
    for (const { by, text } of messages) {
      const { length } = text;
      even = Math.imul(even ^ (length + 1), evenPrime);
      odd = Math.imul(odd ^ (length * 2 + (by === 'caller' ? 1 : 2)), oddPrime);
      const isWhole = length <= wholeLength;
      const endOfBegin = isWhole ? length - 1 : beginLength;
      let at = 0;
      for (; at < endOfBegin; at += 2) {
        even = Math.imul(even ^ text.charCodeAt(at), evenPrime);
        odd = Math.imul(odd ^ text.charCodeAt(at + 1), oddPrime);
      }
      if (isWhole) {
        if (at < length) even = Math.imul(even ^ text.charCodeAt(at), evenPrime);
      } else {
        const checksum = crc32(text);
        even = Math.imul(even ^ checksum, evenPrime);
        odd = Math.imul(odd ^ checksum, oddPrime);
        for (at = length - endLength; at < length; at += 2) {
          even = Math.imul(even ^ text.charCodeAt(at), evenPrime);
          odd = Math.imul(odd ^ text.charCodeAt(at + 1), oddPrime);
        }
      }
      even ^= even >>> 15;
      odd ^= odd >>> 15;
    }
    this.#even = even;
    this.#odd = odd;
    return this;
  }

  /** 52 bits, which a JavaScript number holds. */
  get value(): number {
    return (this.#even >>> 6) * 2 ** 26 + (this.#odd >>> 6);
  }
}

/** Those of the final mix of MurmurHash3 (Appleby 2008). */
const evenPrime = 0x85ebca6b;
const oddPrime = 0xc2b2ae35;
