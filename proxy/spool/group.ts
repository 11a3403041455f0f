import { type EntryKind, emptyBytes, maxFrameBytes, writeFrame } from './frame.ts';
import type { Place, Segments } from './segments.ts';

/** Is called once: with the place of the written entry, or with the reason why it is not written. */
export type OnWritten = (place: Place | undefined, error?: unknown) => void;

/** An entry that is to be written. */
export interface NewEntry {
  readonly kind: EntryKind;
  readonly id: number;
  readonly row: string;
  readonly sealed?: Buffer | undefined;
}

/**
 * Gathers the entries of one turn of the event loop and appends them with one write, since a write costs more than the
 * rest of what the spool does for a call. Either all entries of a group are written, or none is.
 */
export interface Group {
  /** @throws where the spool's files have no room for the entry; `onWritten` is not called then */
  append(entry: NewEntry, onWritten: OnWritten): void;
  /** Writes without waiting for the end of the turn, and calls back. */
  writeNow(): void;
}

interface Frame {
  readonly offset: number;
  readonly length: number;
  readonly onWritten: OnWritten;
}

const usualBytes = 128 * 1024;

/** @param onTold is called when all entries of a group know their places, with the file of the last one */
export function makeGroup(
  segments: Pick<Segments, 'append' | 'room'>,
  onTold: (segment: number) => void = () => {},
): Group {
  let buffer = Buffer.allocUnsafe(usualBytes);
  let length = 0;
  let frames: Frame[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let isTelling = false;

  const makeRoom = (bytes: number) => {
    if (length + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(length + bytes, buffer.length * 2));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };
  const writeNow = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    const group = frames;
    if (group.length === 0) return;
    const bytes = buffer.subarray(0, length);
    // What is called back may append to the next group.
    frames = [];
    length = 0;
    if (buffer.length > usualBytes) buffer = Buffer.allocUnsafe(usualBytes);
    let first: Pick<Place, 'segment' | 'offset'>;
    try {
      first = segments.append(bytes, group.length);
    } catch (error) {
      for (const frame of group) frame.onWritten(undefined, error);
      return;
    }
    const { segment } = first;
    const isWithin = isTelling;
    isTelling = true;
    for (const frame of group) frame.onWritten({ segment, offset: first.offset + frame.offset, length: frame.length });
    isTelling = isWithin;
    // What is called back may have written the next group.
    if (!isWithin) onTold(segment);
  };

  return {
    writeNow,
    append({ kind, id, row, sealed = emptyBytes }, onWritten) {
      makeRoom(maxFrameBytes(row, sealed));
      const end = writeFrame(buffer, length, kind, id, row, sealed);
      if (end > segments.room) throw new RangeError(`The files of the spool have room for ${segments.room} bytes`);
      frames.push({ offset: length, length: end - length, onWritten });
      length = end;
      scheduled ??= setImmediate(writeNow);
    },
  };
}
