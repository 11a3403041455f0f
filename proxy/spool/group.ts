import type { LinePosition, Segments } from './segments.ts';

/** Is called once: with the place of the written line, or with the reason why it is not written. */
export type OnWritten = (place: LinePosition | undefined, error?: unknown) => void;

/**
 * Gathers the lines of one turn of the event loop and appends them with one write, since a write costs more than the
 * rest of what the spool does for a call. Either all lines of a group are written, or none is.
 */
export interface Group {
  /** @throws where the spool's files have no room for the line; `onWritten` is not called then */
  append(head: string, rest: string, onWritten: OnWritten): void;
  /** Writes without waiting for the end of the turn, and calls back. */
  writeNow(): void;
}

interface Line {
  readonly offset: number;
  /** Without the line feed. */
  readonly length: number;
  readonly onWritten: OnWritten;
}

const usualBytes = 128 * 1024;
const lineFeed = 0x0a;

export function makeGroup(segments: Pick<Segments, 'append' | 'room'>): Group {
  let buffer = Buffer.allocUnsafe(usualBytes);
  let length = 0;
  let lines: Line[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  const makeRoom = (bytes: number) => {
    if (length + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(length + bytes, buffer.length * 2));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };
  const writeNow = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    const group = lines;
    if (group.length === 0) return;
    const bytes = buffer.subarray(0, length);
    // What is called back may append to the next group.
    lines = [];
    length = 0;
    if (buffer.length > usualBytes) buffer = Buffer.allocUnsafe(usualBytes);
    let first: Pick<LinePosition, 'segment' | 'offset'>;
    try {
      first = segments.append(bytes, group.length);
    } catch (error) {
      for (const line of group) line.onWritten(undefined, error);
      return;
    }
    const { segment } = first;
    for (const line of group) line.onWritten({ segment, offset: first.offset + line.offset, length: line.length });
  };

  return {
    writeNow,
    append(head, rest, onWritten) {
      const offset = length;
      // A character has at most three bytes.
      makeRoom((head.length + rest.length) * 3 + 1);
      let end = offset + buffer.write(head, offset);
      end += buffer.write(rest, end);
      if (end + 1 > segments.room) throw new RangeError(`The files of the spool have room for ${segments.room} bytes`);
      buffer[end] = lineFeed;
      length = end + 1;
      lines.push({ offset, length: end - offset, onWritten });
      scheduled ??= setImmediate(writeNow);
    },
  };
}
