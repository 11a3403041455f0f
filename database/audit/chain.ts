import { createHash } from 'node:crypto';

/** The hash before an organization's first entry. */
export const genesis: Buffer = Buffer.alloc(32);

/** The hash of an entry: SHA-256 of the former entry's hash and of the entry's text in UTF-8. */
export function hashOf(former: Buffer, entry: string): Buffer {
  return createHash('sha256').update(former).update(entry, 'utf8').digest();
}

/** The last entry's number, and its hash. */
export interface ChainHead {
  /** How many entries there are. */
  readonly seq: number;
  readonly hash: Buffer;
}

/** An entry as the log has it. */
export interface ChainedEntry extends ChainHead {
  /** The text that the hash covers. */
  readonly entry: string;
}

/** Where a log is broken first. */
export interface ChainFault {
  /** The number of the first entry that is not as it was appended. */
  readonly seq: number;
  readonly problem: string;
}

/**
 * Checks that entries follow a head: that none is missing, moved or changed.
 *
 * @returns the new head, or the first fault
 */
export function followChain(head: ChainHead, entries: readonly ChainedEntry[]): ChainHead | ChainFault {
  let last = head;
  for (const { seq, hash, entry } of entries) {
    const expected = last.seq + 1;
    if (seq !== expected) return { seq: expected, problem: `entry ${expected} is missing; the next one is ${seq}` };
    if (!hashOf(last.hash, entry).equals(hash)) {
      return {
        seq,
        problem: `entry ${seq} was changed or moved: its hash does not cover its text and the entry before`,
      };
    }
    const stated = statedSeq(entry);
    if (stated !== seq) return { seq, problem: `entry ${seq} says that it is entry ${stated}` };
    last = { seq, hash };
  }
  return last;
}

export function isFault(result: ChainHead | ChainFault): result is ChainFault {
  return 'problem' in result;
}

function statedSeq(entry: string): unknown {
  try {
    const parsed: unknown = JSON.parse(entry);
    return typeof parsed === 'object' && parsed !== null && 'seq' in parsed ? parsed.seq : undefined;
  } catch {
    return undefined;
  }
}
