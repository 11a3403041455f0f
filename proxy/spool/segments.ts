import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Position of a line. */
export interface LinePosition {
  readonly segment: number;
  readonly offset: number;
  /** Length in bytes, without the line feed. */
  readonly length: number;
}

/**
 * Appends lines to files of some megabytes each. A file is deleted when none of its lines is held any more.
 *
 * An append is one write into the operating system's cache. It survives the death of the process, but not a power cut,
 * and costs a few microseconds.
 */
export interface Segments {
  /** How many bytes may still be appended. */
  readonly room: number;
  /**
   * Appends lines with one write. They are held until `release`.
   *
   * @param bytes so many lines, each with its line feed
   * @returns where the first line begins
   * @throws where the volume is full; then no part of the lines stays in the file
   */
  append(bytes: Buffer, lines: number): Pick<LinePosition, 'segment' | 'offset'>;
  /** Moves a held line to the current file, even where that briefly exceeds the size limit. */
  move(place: LinePosition): LinePosition;
  /** Starts a new file with the next line. */
  rotate(): void;
  /** Number and size of the file that lines are appended to. */
  readonly current: { readonly segment: number; readonly size: number };
  /** Releases a held line. */
  release(place: LinePosition): void;
  read(place: LinePosition): string;
  close(): void;
}

export interface SegmentsOptions {
  readonly directory: string;
  readonly maxSegmentBytes: number;
  readonly maxTotalBytes: number;
}

interface Segment {
  readonly path: string;
  readonly descriptor: number;
  size: number;
  /** Number of held lines. */
  held: number;
}

const namePattern = /^(\d{10})\.log$/;
const lineFeed = 0x0a;

/**
 * Opens the segments of a directory.
 *
 * @param onLine called with each complete line in the files, in order; the line is held until released. An incomplete
 * last line, left by a killed process, is cut off.
 */
export function openSegments(options: SegmentsOptions, onLine: (line: string, place: LinePosition) => void): Segments {
  const { directory, maxSegmentBytes, maxTotalBytes } = options;
  const segments = new Map<number, Segment>();
  const scratch = Buffer.allocUnsafe(256 * 1024);
  let currentNumber = 0;
  let totalBytes = 0;

  const open = (number: number): Segment => {
    const path = join(directory, `${String(number).padStart(10, '0')}.log`);
    const segment = { path, descriptor: openSync(path, 'a+', 0o600), size: 0, held: 0 };
    segments.set(number, segment);
    currentNumber = number;
    return segment;
  };
  const current = (): Segment => {
    const segment = segments.get(currentNumber);
    return segment && segment.size < maxSegmentBytes ? segment : open(currentNumber + 1);
  };
  /** Once a segment holds no line: empties it if it is the current one, else deletes it. */
  const tidy = (number: number, segment: Segment) => {
    if (segment.held > 0) return;
    totalBytes -= segment.size;
    if (number === currentNumber) {
      ftruncateSync(segment.descriptor, 0);
      segment.size = 0;
      return;
    }
    closeSync(segment.descriptor);
    unlinkSync(segment.path);
    segments.delete(number);
  };
  const replay = (number: number) => {
    const segment = open(number);
    const bytes = readFileSync(segment.path);
    let offset = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, offset)) {
      segment.held += 1;
      segment.size = end + 1;
      totalBytes += end + 1 - offset;
      onLine(bytes.toString('utf8', offset, end), { segment: number, offset, length: end - offset });
      offset = end + 1;
    }
    if (offset < bytes.length) ftruncateSync(segment.descriptor, offset);
  };
  for (const name of readdirSync(directory).sort()) {
    const number = namePattern.exec(name)?.[1];
    if (number !== undefined) replay(Number(number));
  }

  const append = (bytes: Buffer, lines: number) => {
    const segment = current();
    const offset = segment.size;
    const written = writeSync(segment.descriptor, bytes);
    if (written < bytes.length) {
      ftruncateSync(segment.descriptor, offset);
      throw new RangeError('The volume of the spool has no space left');
    }
    segment.size += bytes.length;
    segment.held += lines;
    totalBytes += bytes.length;
    return { segment: currentNumber, offset };
  };
  const release = ({ segment: number }: LinePosition) => {
    const segment = segments.get(number);
    if (!segment) return;
    segment.held -= 1;
    tidy(number, segment);
  };
  const readBytes = (number: number, offset: number, length: number): Buffer => {
    const bytes = length > scratch.length ? Buffer.allocUnsafe(length) : scratch.subarray(0, length);
    const segment = segments.get(number);
    if (!segment || readSync(segment.descriptor, bytes, 0, length, offset) < length) {
      throw new Error(`Segment ${number} of the spool is incomplete`);
    }
    return bytes;
  };

  return {
    release,
    append,
    get room() {
      return maxTotalBytes - totalBytes;
    },
    read: ({ segment, offset, length }) => readBytes(segment, offset, length).toString('utf8'),
    move(place) {
      const { segment, offset, length } = place;
      const moved = append(readBytes(segment, offset, length + 1), 1);
      release(place);
      return { ...moved, length };
    },
    rotate: () => void open(currentNumber + 1),
    get current() {
      return { segment: currentNumber, size: segments.get(currentNumber)?.size ?? 0 };
    },
    close() {
      for (const { descriptor } of segments.values()) closeSync(descriptor);
      segments.clear();
    },
  };
}
