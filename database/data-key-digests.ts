import { createHash } from 'node:crypto';
import type { DataKeySet } from './envelope.ts';

/**
 * The SHA-256 of a data key and its id, in hexadecimal, to recognize the key later. It reveals nothing of 32 random
 * bytes.
 */
export function digestOfDataKey(id: string, base64: string): string {
  return createHash('sha256').update(`${id}\n`).update(Buffer.from(base64, 'base64')).digest('hex');
}

/** The digests of all keys of a set, sorted. */
export function digestsOf({ keys }: DataKeySet): string[] {
  return Object.entries(keys)
    .map(([id, base64]) => digestOfDataKey(id, base64))
    .sort();
}
