import { escapeJsonString } from '../detect/restore.ts';
import type { JsonView, ViewedPiece } from './json-view.ts';

/** A replacement in a segment. Positions count from the beginning of the segment's text. */
interface Edit {
  readonly start: number;
  readonly end: number;
  /** As it is written into the segment. */
  readonly text: string;
  /** Whether it puts a caller's own value back, which only the caller sees. */
  readonly isRestored: boolean;
}

/** A part of a text that is written back in one place: a string of a body, or the text of an event. */
export class Segment {
  readonly piece: ViewedPiece;
  /** In order, without overlaps. */
  readonly #edits: Edit[] = [];

  constructor(piece: ViewedPiece) {
    this.piece = piece;
  }

  isEdited(): boolean {
    return this.#edits.length > 0;
  }

  /** The parts of a range that no edit replaces yet. */
  openParts(start: number, end: number): (readonly [start: number, end: number])[] {
    const open: (readonly [number, number])[] = [];
    let at = start;
    for (const edit of this.#edits) {
      if (edit.end <= at || edit.start >= end) continue;
      if (edit.start > at) open.push([at, edit.start]);
      at = edit.end;
    }
    if (at < end) open.push([at, end]);
    return open;
  }

  add(edit: Edit): void {
    const at = this.#edits.findIndex(({ start }) => start >= edit.end);
    this.#edits.splice(at === -1 ? this.#edits.length : at, 0, edit);
  }

  /** The segment as it is written. @param restored whether values are put back */
  write(restored: boolean): string {
    const { raw, offsets } = this.piece;
    let written = '';
    let at = 0;
    for (const { start, end, text, isRestored } of this.#edits) {
      if (isRestored && !restored) continue;
      written += raw.slice(at, offsets?.[start] ?? start) + text;
      at = offsets?.[end] ?? end;
    }
    return written + raw.slice(at);
  }
}

/** A segment in a text. */
export interface Placed {
  readonly segment: Segment;
  /** Where it begins in the text. */
  readonly start: number;
  readonly end: number;
}

/** What replaces a match. */
export interface Replacing {
  readonly kind: string;
  readonly substitute: (kind: string, value: string) => string;
  readonly isRestored: boolean;
  /** How the text is JSON. Undefined where it is plain text. */
  readonly view: Pick<JsonView, 'placeOf'> | undefined;
}

/** A part of a segment, in its own positions. */
interface Part {
  readonly segment: Segment;
  readonly start: number;
  readonly end: number;
}

function partsOf(placed: readonly Placed[], start: number, end: number): Part[] {
  const parts: Part[] = [];
  for (const { segment, start: from, end: to } of placed) {
    // A piece that only begins an escape has no text.
    if (from >= end || to <= start || from === to) continue;
    parts.push({ segment, start: Math.max(start, from) - from, end: Math.min(end, to) - from });
  }
  return parts;
}

function textOf({ segment, start, end }: Part): string {
  return segment.piece.text.slice(start, end);
}

/** Whether a match is replaced already. */
export function isCovered(placed: readonly Placed[], start: number, end: number): boolean {
  return partsOf(placed, start, end).every((part) => part.segment.openParts(part.start, part.end).length === 0);
}

/**
 * Replaces a match, as far as nothing replaces it yet.
 *
 * @param placed the segments of the text
 * @returns false where the text would not be JSON any more
 */
export function replaceMatch(
  placed: readonly Placed[],
  start: number,
  end: number,
  { kind, substitute, isRestored, view }: Replacing,
): boolean {
  const place = view?.placeOf(start, end);
  if (place === 'across') return false;
  const write = (value: string) => {
    const text = substitute(kind, value);
    if (place === undefined) return text;
    return place === 'outside' ? JSON.stringify(text) : escapeJsonString(text);
  };
  const parts = partsOf(placed, start, end);
  const isOpen = parts.every((part) => {
    const [first] = part.segment.openParts(part.start, part.end);
    return first?.[0] === part.start && first[1] === part.end;
  });
  if (isOpen) {
    // The first part gets what stands for all of the match.
    const whole = write(parts.map(textOf).join(''));
    for (const [index, part] of parts.entries()) {
      part.segment.add({ start: part.start, end: part.end, text: index === 0 ? whole : '', isRestored });
    }
    return true;
  }
  for (const part of parts) {
    for (const [from, to] of part.segment.openParts(part.start, part.end)) {
      const text = write(textOf({ ...part, start: from, end: to }));
      part.segment.add({ start: from, end: to, text, isRestored });
    }
  }
  return true;
}
