import { isWordUnit } from './characters.ts';
import type { Match } from './detector.ts';
import type { Finder } from './finder.ts';
import type { Mark } from './mark.ts';

/** Nothing begins at this position. */
export const nothing = 0;
/** Text to come decides. */
export const undecided = -1;

/** A recognizer, with the place of its mark among all marks; -1: it has none. */
interface Candidate {
  readonly recognizer: Recognizer;
  readonly mark: number;
  readonly within: number;
}

/** The recognizers of each ASCII character. */
function indexByFirst(candidates: readonly Candidate[]): (readonly Candidate[] | undefined)[] {
  return Array.from({ length: 128 }, (_, code) => {
    const first = String.fromCharCode(code);
    const starting = candidates.filter(({ recognizer }) => recognizer.firstCharacters.includes(first));
    return starting.length > 0 ? starting : undefined;
  });
}

const backslash = 92;
const letterN = 110;
const letterR = 114;
const letterT = 116;

/** Whether a unit is the letter of `\\n`, `\\r` or `\\t`, as JSON and programs write white space. It belongs to no word. */
function isEscape(text: string, position: number): boolean {
  const unit = text.charCodeAt(position);
  return (unit === letterN || unit === letterR || unit === letterT) && text.charCodeAt(position - 1) === backslash;
}

/** Recognizes one kind of thing at a given position. */
export interface Recognizer {
  readonly kind: string;
  /** The ASCII characters that it may begin with. */
  readonly firstCharacters: string;
  /** Whether it may also begin with a letter beyond ASCII. */
  readonly beginsBeyondAscii?: boolean;
  /** Whether it may begin directly after a letter or digit. */
  readonly beginsInWords?: boolean;
  /** What it must have, at most so many units after its beginning, so that it is not asked about most words. */
  readonly needs?: { readonly mark: Mark; readonly within: number };
  /** The most units before its beginning that it looks at. At least 1, for a word's beginning. */
  readonly lookBehind: number;
  /** The most units from its beginning that it waits for. */
  readonly maxHeldBack: number;
  /**
   * Decides about a position in a text that has one of the first characters.
   * @param complete whether the text ends here
   * @returns the end of the match, `nothing`, or `undecided`, which a complete text never is
   */
  matchAt(text: string, start: number, complete: boolean): number;
}

/**
 * Finds what several recognizers recognize, in one pass. The leftmost match wins; among those that begin at one
 * position, that of the first recognizer.
 */
export function makeRecognizerFinder(recognizers: readonly Recognizer[]): Finder {
  const marks = [...new Set(recognizers.flatMap(({ needs }) => (needs ? [needs.mark] : [])))];
  const all = recognizers.map((recognizer): Candidate => {
    const { needs } = recognizer;
    return { recognizer, mark: needs ? marks.indexOf(needs.mark) : -1, within: needs?.within ?? 0 };
  });
  const atWords = indexByFirst(all);
  const withinWords = indexByFirst(all.filter(({ recognizer }) => recognizer.beginsInWords));
  const beyond = all.filter(({ recognizer }) => recognizer.beginsBeyondAscii);
  /** @param nextMarks where each mark stands next, as far as it is known */
  const isMarkNear = ({ mark, within }: Candidate, text: string, start: number, nextMarks: number[]): boolean => {
    let next = nextMarks[mark] ?? -1;
    if (next < start) {
      const found = marks[mark]?.nextIn(text, start) ?? -1;
      next = found === -1 ? Number.MAX_SAFE_INTEGER : found;
      nextMarks[mark] = next;
    }
    return next - start <= within;
  };

  const find = (text: string, from: number, complete: boolean): Match | number => {
    const { length } = text;
    // Where the text does not end yet, a mark may still come.
    const nextMarks = complete ? marks.map(() => -1) : undefined;
    let afterWord = from > 0 && isWordUnit(text.charCodeAt(from - 1)) && !isEscape(text, from - 1);
    for (let start = from; start < length; start++) {
      const unit = text.charCodeAt(start);
      if (unit <= letterT && unit >= letterN && isEscape(text, start)) {
        afterWord = false;
        continue;
      }
      const candidates =
        unit < 128 ? (afterWord ? withinWords : atWords)[unit] : afterWord || !isWordUnit(unit) ? undefined : beyond;
      if (candidates !== undefined) {
        for (let index = 0; index < candidates.length; index++) {
          const candidate = candidates[index] as Candidate;
          if (nextMarks && candidate.mark !== -1 && !isMarkNear(candidate, text, start, nextMarks)) continue;
          const { recognizer } = candidate;
          const end = recognizer.matchAt(text, start, complete);
          if (end > 0) return { start, end, kind: recognizer.kind };
          if (end === undecided) return start;
        }
      }
      afterWord = isWordUnit(unit);
    }
    return length;
  };

  return {
    kinds: [...new Set(recognizers.map(({ kind }) => kind))],
    lookBehind: Math.max(2, ...recognizers.map(({ lookBehind }) => lookBehind)),
    maxHeldBack: Math.max(0, ...recognizers.map(({ maxHeldBack }) => maxHeldBack)),
    find,
  };
}
