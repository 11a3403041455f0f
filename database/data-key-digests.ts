import { createHash } from 'node:crypto';
import type { DataKeySet } from './envelope.ts';

/** By which a data key and its id are known again: SHA-256, in hexadecimal. It tells nothing of 32 random bytes. */
export function digestOfDataKey(id: string, base64: string): string {
  return createHash('sha256').update(`${id}\n`).update(Buffer.from(base64, 'base64')).digest('hex');
}

/** Of every key of a set, in order. */
export function digestsOf({ keys }: DataKeySet): string[] {
  return Object.entries(keys)
    .map(([id, base64]) => digestOfDataKey(id, base64))
    .sort();
}
