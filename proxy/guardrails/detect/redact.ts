import type { Detector, Match } from './detector.ts';

/** What stands in the place of a match. `value` is the matched text. */
export type Substitute = (kind: string, value: string) => string;

export interface Redacted {
  readonly text: string;
  readonly matches: readonly Match[];
}

/** Replaces all matches in a text. A text without matches is returned as it is. */
export function redact(detector: Detector, text: string, substitute: Substitute): Redacted {
  const matches = detector.scan(text);
  if (matches.length === 0) return { text, matches };
  return { text: replaceMatches(text, 0, 0, text.length, matches, substitute), matches };
}

/** Replaces matches in a text that arrives in pieces. */
export interface RedactionStream {
  /** @returns the text that may be released now, and the matches in it, at their positions in the original text */
  push(text: string): Redacted;
  end(): Redacted;
}

export function openRedactionStream(detector: Detector, substitute: Substitute): RedactionStream {
  const stream = detector.openStream();
  /** The text that is not released. */
  let held = '';
  let released = 0;
  const release = ({ settledUpTo, matches }: ReturnType<typeof stream.push>): Redacted => {
    const text = replaceMatches(held, released, released, settledUpTo, matches, substitute);
    held = held.slice(settledUpTo - released);
    released = settledUpTo;
    return { text, matches };
  };
  return {
    push: (text) => {
      held += text;
      return release(stream.push(text));
    },
    end: () => release(stream.end()),
  };
}

/** @param base the position of `text` in the whole text, which `from`, `to` and the matches count from */
function replaceMatches(
  text: string,
  base: number,
  from: number,
  to: number,
  matches: readonly Match[],
  substitute: Substitute,
): string {
  let result = '';
  let position = from - base;
  for (const { start, end, kind } of matches) {
    result += text.slice(position, start - base) + substitute(kind, text.slice(start - base, end - base));
    position = end - base;
  }
  return result + text.slice(position, to - base);
}
