import { isWordUnit } from './characters.ts';
import type { Match } from './detector.ts';
import type { Finder } from './finder.ts';
import type { Mark } from './mark.ts';

/** Nothing begins at this position. */
export const nothing = 0;
/** Text to come decides. */
export const undecided = -1;

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

/** What recognizers need: a mark, at most so many units after their beginning. */
type Need = NonNullable<Recognizer['needs']>;

/** The recognizers that may begin at a position, by its unit. */
interface Candidates {
  /** Of each ASCII character, at the beginning of a word or outside of words. */
  readonly atWords: readonly (readonly Recognizer[] | undefined)[];
  readonly withinWords: readonly (readonly Recognizer[] | undefined)[];
  /** Of letters beyond ASCII. */
  readonly beyond: readonly Recognizer[];
  /** Whether any may begin with an ASCII character: 1, else 0. */
  readonly begins: Uint8Array;
  readonly hasWithinWords: boolean;
}

function candidatesOf(recognizers: readonly Recognizer[]): Candidates {
  const inWords = recognizers.filter(({ beginsInWords }) => beginsInWords);
  const atWords = indexByFirst(recognizers);
  return {
    atWords,
    withinWords: indexByFirst(inWords),
    beyond: recognizers.filter(({ beginsBeyondAscii }) => beginsBeyondAscii),
    begins: Uint8Array.from(atWords, (starting) => (starting ? 1 : 0)),
    hasWithinWords: inWords.length > 0,
  };
}

/** The recognizers of each ASCII character. */
function indexByFirst(recognizers: readonly Recognizer[]): (readonly Recognizer[] | undefined)[] {
  return Array.from({ length: 128 }, (_, code) => {
    const first = String.fromCharCode(code);
    const starting = recognizers.filter(({ firstCharacters }) => firstCharacters.includes(first));
    return starting.length > 0 ? starting : undefined;
  });
}

/** Which needs are met at a position, as bits, and how far that holds. */
interface Reach {
  met: number;
  until: number;
}

/** Looks for the marks that needs name, in a text that is complete. Each mark is looked for once. */
function makeReachReader(needs: readonly Need[]) {
  const marks = [...new Set(needs.map(({ mark }) => mark))];
  const places = needs.map(({ mark, within }) => ({ mark: marks.indexOf(mark), within }));
  return (text: string) => {
    const next = marks.map(() => -1);
    const nextOf = (mark: number, start: number): number => {
      const known = next[mark] ?? -1;
      if (known >= start) return known;
      const found = marks[mark]?.nextIn(text, start) ?? -1;
      const place = found === -1 ? Number.MAX_SAFE_INTEGER : found;
      next[mark] = place;
      return place;
    };
    return (start: number, reach: Reach): void => {
      reach.met = 0;
      reach.until = Number.MAX_SAFE_INTEGER;
      for (let need = 0; need < places.length; need++) {
        const { mark, within } = places[need] as (typeof places)[number];
        const place = nextOf(mark, start);
        const isMet = place - start <= within;
        if (isMet) reach.met |= 1 << need;
        reach.until = Math.min(reach.until, isMet ? place + 1 : place - within);
      }
    };
  };
}

/**
 * Finds what several recognizers recognize, in one pass. The leftmost match wins; among those that begin at one
 * position, that of the first recognizer.
 */
export function makeRecognizerFinder(recognizers: readonly Recognizer[]): Finder {
  const needs: Need[] = [];
  const bits = recognizers.map(({ needs: need }) => {
    if (!need) return 0;
    const known = needs.findIndex(({ mark, within }) => mark === need.mark && within === need.within);
    return 1 << (known === -1 ? needs.push(need) - 1 : known);
  });
  const readReach = makeReachReader(needs);
  /** By the needs that are met. Of most texts, few combinations come. */
  const known = new Map<number, Candidates>();
  const candidatesFor = (met: number): Candidates => {
    const made = known.get(met) ?? candidatesOf(recognizers.filter((_, index) => ((bits[index] ?? 0) & ~met) === 0));
    known.set(met, made);
    return made;
  };

  const find = (text: string, from: number, complete: boolean): Match | number => {
    const { length } = text;
    // Where the text does not end yet, a mark may still come, so every need counts as met.
    const lookAhead = complete ? readReach(text) : undefined;
    const reach: Reach = { met: -1, until: lookAhead ? from : length };
    let candidates = candidatesFor(-1);
    for (let start = from; start < length; ) {
      if (lookAhead && start >= reach.until) {
        lookAhead(start, reach);
        candidates = candidatesFor(reach.met);
      }
      const { begins, beyond, hasWithinWords } = candidates;
      const limit = Math.min(length, reach.until);
      let unit = 0;
      for (; start < limit; start++) {
        unit = text.charCodeAt(start);
        if (unit < 128 ? begins[unit] === 1 : beyond.length > 0) break;
      }
      if (start >= limit) continue;
      if (isEscape(text, start)) {
        start += 1;
        continue;
      }
      const afterWord = start > 0 && isWordUnit(text.charCodeAt(start - 1)) && !isEscape(text, start - 1);
      if (afterWord && !hasWithinWords) {
        start += 1;
        // The rest of the word.
        if (isWordUnit(unit)) while (start < limit && isWordUnit(text.charCodeAt(start))) start++;
        continue;
      }
      const asked = askedAt(candidates, unit, afterWord);
      for (let index = 0; asked !== undefined && index < asked.length; index++) {
        const recognizer = asked[index] as Recognizer;
        const end = recognizer.matchAt(text, start, complete);
        if (end > 0) return { start, end, kind: recognizer.kind };
        if (end === undecided) return start;
      }
      start += 1;
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

function askedAt({ atWords, withinWords, beyond }: Candidates, unit: number, afterWord: boolean) {
  if (unit < 128) return (afterWord ? withinWords : atWords)[unit];
  return afterWord || !isWordUnit(unit) ? undefined : beyond;
}
