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
import type { ReusedBytes } from '../../database/reused-bytes.ts';
import { readFormerLine } from './former-line.ts';
import { type Entry, findFrame, frameEnd, readFrame } from './frame.ts';

/** Where an entry is. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

/**
 * Appends frames to files of some megabytes each. A file is deleted when none of its frames is held any more, and no older
 * file is there: what a file says has ended may have begun in an older one, and would begin again at the next start.
 *
 * An append is one write into the operating system's cache. It survives the death of the process, but not a power cut,
 * and costs a few microseconds.
 */
export interface Segments {
  /** How many bytes may still be appended. */
  readonly room: number;
  /**
   * Appends frames with one write. They are held until `release`.
   *
   * @returns where the first frame begins
   * @throws where the volume is full; then no part of the frames stays in the file
   */
  append(bytes: Buffer, frames: number): Pick<Place, 'segment' | 'offset'>;
  /** Moves a held frame to the current file, even where that briefly exceeds the size limit. */
  move(place: Place): Place;
  /** Starts a new file with the next frame. */
  rotate(): void;
  /** Number and size of the file that frames are appended to. */
  readonly current: { readonly segment: number; readonly size: number };
  /** Releases a held frame. */
  release(place: Place): void;
  /** Whether the file of this place is still there with what was in it. */
  isKept(place: Place): boolean;
  /**
   * Reads entries, several with one read where they are near each other.
   *
   * @param memory holds the entries until its next use; absent: memory of their own
   * @returns those before the first one that cannot be read
   * @throws {UnreadableError} where the first one is damaged; errors of the volume
   */
  read(places: readonly Place[], memory?: ReusedBytes): Entry[];
  /** @throws {UnreadableError} where it is damaged; errors of the volume */
  readOne(place: Place): Entry;
  close(): void;
}

/** What was written is no longer in the files. Another attempt reads no more. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

export interface SegmentsOptions {
  readonly directory: string;
  readonly maxSegmentBytes: number;
  readonly maxTotalBytes: number;
}

interface Segment {
  readonly path: string;
  readonly descriptor: number;
  /** Whether an earlier version wrote the file. Nothing is appended to it. */
  readonly isFormer: boolean;
  size: number;
  /** Number of held frames. */
  held: number;
}

const namePattern = /^(\d{10})\.(spool|log)$/;
const lineFeed = 0x0a;
/** A read of neighbours reads what lies between them, too. */
const maxReadBytes = 512 * 1024;
const maxGapBytes = 64 * 1024;

/**
 * Opens the segments of a directory.
 *
 * @param onEntry called with each entry in the files, in order; it is held until released. A torn last frame, left by a
 * killed process, is cut off
 * @param onDamage called with each part of a file that was changed since it was written. It is skipped, whatever it says of its
 * own length, and the next whole frame goes on
 */
export function openSegments(
  options: SegmentsOptions,
  onEntry: (entry: Entry, place: Place) => void,
  onDamage: (place: Place) => void,
): Segments {
  const { directory, maxSegmentBytes, maxTotalBytes } = options;
  const segments = new Map<number, Segment>();
  let currentNumber = 0;
  let totalBytes = 0;

  const open = (number: number, isFormer = false): Segment => {
    const path = join(directory, `${String(number).padStart(10, '0')}.${isFormer ? 'log' : 'spool'}`);
    const segment = { path, descriptor: openSync(path, 'a+', 0o600), isFormer, size: 0, held: 0 };
    segments.set(number, segment);
    currentNumber = number;
    return segment;
  };
  const current = (): Segment => {
    const segment = segments.get(currentNumber);
    return segment && !segment.isFormer && segment.size < maxSegmentBytes ? segment : open(currentNumber + 1);
  };
  /** Empties the segment if it is the current one, else deletes it. */
  const drop = (number: number, segment: Segment) => {
    totalBytes -= segment.size;
    if (number === currentNumber && !segment.isFormer) {
      ftruncateSync(segment.descriptor, 0);
      segment.size = 0;
      return;
    }
    closeSync(segment.descriptor);
    unlinkSync(segment.path);
    segments.delete(number);
  };
  /** Drops the oldest segments that hold no frame. */
  const tidy = () => {
    // In the order of their numbers.
    for (const [number, segment] of segments) {
      if (segment.held > 0) return;
      drop(number, segment);
    }
  };

  const replay = (number: number, isFormer: boolean) => {
    const segment = open(number, isFormer);
    const bytes = readFileSync(segment.path);
    const found = (entry: Entry | undefined, offset: number, length: number) => {
      const place = { segment: number, offset, length };
      if (!entry) {
        onDamage(place);
        return;
      }
      segment.held += 1;
      onEntry(entry, place);
    };
    segment.size = isFormer ? replayLines(bytes, found) : replayFrames(bytes, found);
    totalBytes += segment.size;
    if (!isFormer && segment.size < bytes.length) ftruncateSync(segment.descriptor, segment.size);
    if (isFormer) tidy();
  };
  for (const name of readdirSync(directory).sort()) {
    const [, number, extension] = namePattern.exec(name) ?? [];
    if (number !== undefined) replay(Number(number), extension === 'log');
  }

  const append = (bytes: Buffer, frames: number) => {
    const segment = current();
    const offset = segment.size;
    const written = writeSync(segment.descriptor, bytes);
    if (written < bytes.length) {
      ftruncateSync(segment.descriptor, offset);
      throw Object.assign(new RangeError('The volume of the spool has no space left'), { code: 'ENOSPC' });
    }
    segment.size += bytes.length;
    segment.held += frames;
    totalBytes += bytes.length;
    return { segment: currentNumber, offset };
  };
  const release = ({ segment: number }: Place) => {
    const segment = segments.get(number);
    if (!segment) return;
    segment.held -= 1;
    if (segment.held === 0) tidy();
  };
  /** @returns fewer bytes where the file ends before */
  const readBytes = (
    segment: Segment | undefined,
    offset: number,
    length: number,
    into: Buffer = Buffer.allocUnsafe(length),
  ): Buffer => into.subarray(0, segment ? readSync(segment.descriptor, into, 0, length, offset) : 0);
  const toEntry = (isFormer: boolean, bytes: Buffer): Entry | undefined =>
    isFormer ? readFormerLine(bytes.toString('utf8')) : readFrame(bytes, 0, bytes.length);

  return {
    append,
    release,
    get room() {
      return maxTotalBytes - totalBytes;
    },
    isKept: ({ segment, offset }) => (segments.get(segment)?.size ?? 0) > offset,
    read(places, memory) {
      const entries: Entry[] = [];
      const runs = findRuns(places);
      const total = runs.reduce((sum, { from, to }) => sum + to - from, 0);
      let rest: Buffer = memory?.take(total) ?? Buffer.allocUnsafe(total);
      for (const run of runs) {
        const segment = segments.get(run.segment);
        const bytes = readBytes(segment, run.from, run.to - run.from, rest);
        rest = rest.subarray(run.to - run.from);
        for (const { offset, length } of run.places) {
          const part = bytes.subarray(offset - run.from, offset - run.from + length);
          const entry = part.length === length ? toEntry(segment?.isFormer ?? false, part) : undefined;
          if (entry) entries.push(entry);
          else if (entries.length > 0) return entries;
          else throw unreadable(run.segment);
        }
      }
      return entries;
    },
    readOne(place) {
      const segment = segments.get(place.segment);
      const bytes = readBytes(segment, place.offset, place.length);
      const entry = bytes.length === place.length ? toEntry(segment?.isFormer ?? false, bytes) : undefined;
      if (!entry) throw unreadable(place.segment);
      return entry;
    },
    move(place) {
      const bytes = readBytes(segments.get(place.segment), place.offset, place.length);
      if (bytes.length < place.length) throw unreadable(place.segment);
      const moved = append(bytes, 1);
      release(place);
      return { ...moved, length: place.length };
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

type OnFound = (entry: Entry | undefined, offset: number, length: number) => void;

/** @returns where the last whole frame ends, or what is damaged behind it */
function replayFrames(bytes: Buffer, onFound: OnFound): number {
  let offset = 0;
  while (offset < bytes.length) {
    const stated = frameEnd(bytes, offset);
    const entry = stated === undefined ? undefined : readFrame(bytes, offset, stated);
    const end = entry ? stated : endOfDamage(bytes, offset, stated);
    if (end === undefined) break;
    onFound(entry, offset, end - offset);
    offset = end;
  }
  return offset;
}

/**
 * Finds where the next whole frame begins after one that is not as it was written. Its length may have been changed, too.
 *
 * @param stated where it ends by its length. Undefined: beyond the file
 * @returns undefined where the frame is torn: the file ends within it, and nothing whole comes after its beginning
 */
function endOfDamage(bytes: Buffer, offset: number, stated: number | undefined): number | undefined {
  return findFrame(bytes, offset + 1) ?? (stated === undefined ? undefined : bytes.length);
}

/** @returns where the whole lines end */
function replayLines(bytes: Buffer, onFound: OnFound): number {
  let offset = 0;
  for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, offset)) {
    onFound(readFormerLine(bytes.toString('utf8', offset, end)), offset, end - offset);
    offset = end + 1;
  }
  return offset;
}

/** Places that one read covers. */
interface Run {
  readonly segment: number;
  readonly from: number;
  to: number;
  readonly places: Place[];
}

function findRuns(places: readonly Place[]): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const place of places) {
    const { segment, offset, length } = place;
    const end = offset + length;
    const gap = run?.segment === segment ? offset - run.to : -1;
    if (!run || gap < 0 || gap > maxGapBytes || end - run.from > maxReadBytes) {
      run = { segment, from: offset, to: end, places: [] };
      runs.push(run);
    }
    run.to = end;
    run.places.push(place);
  }
  return runs;
}

function unreadable(segment: number): UnreadableError {
  return new UnreadableError(`A record in file ${segment} of the spool is damaged or missing`);
}
