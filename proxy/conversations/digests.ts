import { hash } from 'node:crypto';

/** The beginning of a conversation. */
export interface Root {
  /** A UUID of version 8 (RFC 9562, section 5.8). */
  readonly conversationId: string;
  readonly digest: number;
}

/** Makes digests that nobody without the key can make or check, so that a reader of the database cannot test texts. */
export interface Digests {
  /** @param text what the conversation is known by */
  root(kind: 'messages' | 'conversation' | 'response', text: string): Root;
  /** A digest of 52 bits, which a JavaScript number holds. */
  of(text: string): number;
}

/**
 * Makes digests by SHA-256. The key fills the first block, and each text has its length in front, so no text is the
 * beginning of another one: such a cascade is a pseudorandom function (Bellare, Canetti and Krawczyk 1996). One call of
 * `hash` costs a tenth of an HMAC in Node.
 *
 * @param key 64 characters
 */
export function makeDigests(key: string): Digests {
  const digest = (kind: string, text: string) => hash('sha256', `${key}${kind}${text.length}:${text}`, 'hex');
  return {
    root(kind, text) {
      const hex = digest(kind, text);
      return { conversationId: toUuid(hex), digest: toNumber(hex, 32) };
    },
    of: (text) => toNumber(digest('point', text), 0),
  };
}

const uuidText = Buffer.alloc(36);

/** It is read from a buffer for the same reason as a request id (database/ids.ts). */
function toUuid(hex: string): string {
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3] ?? '8';
  uuidText.write(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
    'latin1',
  );
  return uuidText.toString('latin1');
}

function toNumber(hex: string, at: number): number {
  return Number.parseInt(hex.slice(at, at + 13), 16);
}

/** The number of the branch that a continuation begins. */
export function branchOf(identity: number): number {
  return Math.floor(identity / 2 ** 20) || 1;
}

/** The name of a branch. @param number 32 bits; 0: `main` */
export function nameBranch(number: number): string {
  return number === 0 ? 'main' : `branch-${number.toString(16).padStart(8, '0')}`;
}

/** The number of a branch, by its name. */
export function branchNumber(name: string): number {
  return name === 'main' ? 0 : Number.parseInt(name.slice('branch-'.length), 16);
}
