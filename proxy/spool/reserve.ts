import { closeSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Room on the volume that is kept free for the ends of calls. A volume that is full refuses settlements, too, and intents whose
 * settlement is refused keep the files whose space is wanted: without this room, a spool that has filled its volume by itself
 * would never get out of that.
 */
export interface Reserve {
  /** Gives the room up, where the volume has none left. */
  giveUp(): void;
  /** Whether it was given up and cannot be had again yet. Then no call may begin. It is tried once a second. */
  isGivenUp(): boolean;
}

const reserveBytes = 1024 * 1024;
const chunk = Buffer.alloc(64 * 1024);
const retryMs = 1_000;

export function openReserve(directory: string, now: () => number = () => performance.now()): Reserve {
  const file = join(directory, 'reserve');
  let isGivenUp = false;
  let triedAt = Number.NEGATIVE_INFINITY;
  const giveUp = () => {
    isGivenUp = true;
    triedAt = now();
    try {
      unlinkSync(file);
    } catch {
      // There is none: the volume had no room for it either.
    }
  };
  const take = () => {
    try {
      writeReserve(file);
      isGivenUp = false;
    } catch {
      giveUp();
    }
  };
  take();
  // A volume that is full at the start may still have room for a call.
  isGivenUp = false;
  return {
    giveUp,
    isGivenUp() {
      if (!isGivenUp) return false;
      if (now() - triedAt >= retryMs) take();
      return isGivenUp;
    },
  };
}

function writeReserve(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.size === reserveBytes) return;
  const descriptor = openSync(file, 'w', 0o600);
  try {
    // Only what is written takes space.
    for (let written = 0; written < reserveBytes; ) {
      const count = writeSync(descriptor, chunk);
      if (count === 0) throw new RangeError('There is no room for the reserve');
      written += count;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a write was refused since the volume has no space left. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
