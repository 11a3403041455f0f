import { isWordUnit } from './characters.ts';
import type { Match } from './detector.ts';
import type { Finder } from './finder.ts';

/** Nothing begins at this position. */
export const nothing = 0;
/** Text to come decides. */
export const undecided = -1;

/** The recognizers of each ASCII character. */
function indexByFirst(recognizers: readonly Recognizer[]): (readonly Recognizer[] | undefined)[] {
  return Array.from({ length: 128 }, (_, code) => {
    const starting = recognizers.filter(({ firstCharacters }) => firstCharacters.includes(String.fromCharCode(code)));
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
  const atWords = indexByFirst(recognizers);
  const withinWords = indexByFirst(recognizers.filter(({ beginsInWords }) => beginsInWords));
  const beyond = recognizers.filter(({ beginsBeyondAscii }) => beginsBeyondAscii);

  const find = (text: string, from: number, complete: boolean): Match | number => {
    const { length } = text;
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
          const recognizer = candidates[index] as Recognizer;
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
