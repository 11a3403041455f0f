import { isDigit, isLetter, isWordUnit } from '../characters.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';
import type { Alphabet, Format } from './formats.ts';

const alphabets: Readonly<Record<Alphabet, RegExp>> = {
  'letters and digits': /[A-Za-z0-9]/,
  base64url: /[A-Za-z0-9_-]/,
  hex: /[0-9a-fA-F]/,
  'capitals and digits': /[A-Z0-9]/,
  base64: /[A-Za-z0-9+/=_-]/,
  'with dots': /[A-Za-z0-9_.-]/,
};

const tables = new Map(
  Object.entries(alphabets).map(([name, pattern]) => {
    return [name, Uint8Array.from({ length: 128 }, (_, unit) => (pattern.test(String.fromCharCode(unit)) ? 1 : 0))];
  }),
);

/** Recognizes the keys of a format: the prefix, then characters of its alphabet, as many as it has. */
export function toRecognizer({ kind, prefixes, alphabet, length: [min, max], body }: Format): Recognizer {
  const table = tables.get(alphabet) ?? new Uint8Array(128);
  const longestPrefix = Math.max(...prefixes.map(({ length }) => length));
  return {
    kind,
    firstCharacters: [...new Set(prefixes.map((prefix) => prefix.charAt(0)))].join(''),
    lookBehind: 1,
    maxHeldBack: longestPrefix + max + 1,
    matchAt: (text, start, complete) => {
      const prefix = findPrefix(prefixes, text, start, complete);
      if (typeof prefix === 'number') return prefix;
      const from = start + prefix.length;
      const run = endOfRun(table, text, from, from + max + 1);
      if (run === text.length && run - from <= max && !complete) return undecided;
      const end = withoutPunctuation(text, run);
      if (end - from < min || end - from > max) return nothing;
      if (run < text.length && isWordUnit(text.charCodeAt(run))) return nothing;
      return body === undefined || body.test(text.slice(from, end)) ? end : nothing;
    },
  };
}

function findPrefix(prefixes: readonly string[], text: string, start: number, complete: boolean): string | number {
  const rest = text.length - start;
  let isBeginning = false;
  for (const prefix of prefixes) {
    if (text.startsWith(prefix, start)) return prefix;
    if (!complete && rest < prefix.length && prefix.startsWith(text.slice(start))) isBeginning = true;
  }
  return isBeginning ? undecided : nothing;
}

export function endOfRun(table: Uint8Array, text: string, from: number, limit: number): number {
  const end = Math.min(text.length, limit);
  let position = from;
  while (position < end && table[text.charCodeAt(position)] === 1) position++;
  return position;
}

/** A key does not end with the punctuation of the sentence around it. `=` pads base 64. */
function withoutPunctuation(text: string, end: number): number {
  let last = end;
  while (last > 0 && !isEndOfKey(text.charCodeAt(last - 1))) last--;
  return last;
}

function isEndOfKey(unit: number): boolean {
  return isDigit(unit) || isLetter(unit) || unit === 61 || unit === 45 || unit === 95;
}
