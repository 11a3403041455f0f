import { isHighSurrogate } from './characters.ts';
import type { Detector, Match, Progress, TextStream } from './detector.ts';

/**
 * Finds matches one after another. Its answers depend on the text alone, never on where a stream splits it: it decides
 * about a position only when no text to come could change the decision.
 */
export interface Finder {
  readonly kinds: readonly string[];
  /** The most units before a position that decide about a match at this position. */
  readonly lookBehind: number;
  /** The most units between the position that `find` returns and the end of the text. */
  readonly maxHeldBack: number;
  /**
   * Finds the first match at or after a position.
   * @param complete whether the text ends here
   * @returns the match; or, if there is none so far, the position from which text to come could still make one
   */
  find(text: string, from: number, complete: boolean): Match | number;
}

/** A detector of the matches that a finder finds. */
export function makeDetectorOf(name: string, finder: Finder): Detector {
  return {
    name,
    kinds: finder.kinds,
    // A pair of surrogates is never split, so one unit more than the finder asks for.
    maxHeldBack: finder.maxHeldBack + 1,
    scan: (text) => findAll(finder, text),
    openStream: () => openFinderStream(finder),
  };
}

const none: readonly Match[] = [];

function findAll(finder: Finder, text: string): readonly Match[] {
  let matches: Match[] | undefined;
  let at: Match | number = finder.find(text, 0, true);
  while (typeof at !== 'number') {
    matches ??= [];
    matches.push(at);
    at = finder.find(text, at.end, true);
  }
  return matches ?? none;
}

function openFinderStream(finder: Finder): TextStream {
  /** The text that is still of interest: some units of settled text, and all that are not settled. */
  let buffer = '';
  /** The position of the buffer in the whole text. */
  let base = 0;
  /** Where the text that is not settled begins in the buffer. */
  let from = 0;
  /** The first half of a pair of surrogates whose second half has not come. */
  let half = '';

  const advance = (complete: boolean): Progress => {
    let matches: Match[] | undefined;
    let found = finder.find(buffer, from, complete);
    while (typeof found !== 'number') {
      matches ??= [];
      matches.push({ start: base + found.start, end: base + found.end, kind: found.kind });
      found = finder.find(buffer, found.end, complete);
    }
    from = found;
    const unneeded = from - finder.lookBehind;
    if (unneeded > 0) {
      buffer = buffer.slice(unneeded);
      base += unneeded;
      from -= unneeded;
    }
    return { settledUpTo: base + from, matches: matches ?? none };
  };

  return {
    push: (text) => {
      buffer += half + text;
      half = '';
      if (isHighSurrogate(buffer.charCodeAt(buffer.length - 1))) {
        half = buffer.slice(-1);
        buffer = buffer.slice(0, -1);
      }
      return advance(false);
    },
    end: () => {
      buffer += half;
      half = '';
      return advance(true);
    },
  };
}
