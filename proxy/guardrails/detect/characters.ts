export const lowerLetters = 'abcdefghijklmnopqrstuvwxyz';
export const upperLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const letters = `${upperLetters}${lowerLetters}`;
export const digits = '0123456789';

const wordUnits = new Uint8Array(128);
for (const character of `${letters}${digits}`) wordUnits[character.charCodeAt(0)] = 1;

/**
 * Whether a unit belongs to a word: an ASCII letter or digit, or a letter of the Latin, Greek or Cyrillic script.
 * Scripts that are written without spaces are not part of words, since they stand directly beside numbers and addresses.
 */
export function isWordUnit(unit: number): boolean {
  if (unit < 128) return wordUnits[unit] === 1;
  return (unit >= 0xc0 && unit < 0x250 && unit !== 0xd7 && unit !== 0xf7) || (unit >= 0x370 && unit < 0x530);
}

export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** Whether a unit is an ASCII letter. */
export function isLetter(unit: number): boolean {
  const lower = unit | 32;
  return lower >= 97 && lower <= 122;
}

const hyphen = 45;
const dot = 46;
const slash = 47;
const underscore = 95;

/** Whether a position continues an identifier, a decimal number or a path: `a3f4-41111`, `0.41111`, `order_41111`. */
export function continuesToken(text: string, start: number): boolean {
  if (start === 0) return false;
  const before = text.charCodeAt(start - 1);
  if (before === underscore) return true;
  if (before !== hyphen && before !== dot && before !== slash) return false;
  return start > 1 && isWordUnit(text.charCodeAt(start - 2));
}

/** How far `isTokenEnd` looks behind a position. */
export const tokenEndLookAhead = 2;

/**
 * Whether a token ends at a position, or goes on by a letter, a digit, `_`, or `-`, `.` or `/` before one of these.
 * @returns undefined if text to come decides
 */
export function isTokenEnd(text: string, end: number, complete: boolean): boolean | undefined {
  if (end >= text.length) return complete ? true : undefined;
  const next = text.charCodeAt(end);
  if (isWordUnit(next) || next === underscore) return false;
  if (next !== hyphen && next !== dot && next !== slash) return true;
  if (end + 1 >= text.length) return complete ? true : undefined;
  const afterNext = text.charCodeAt(end + 1);
  // A sentence may end without a space before the next one, a number does not.
  return next === dot ? !isDigit(afterNext) : !isWordUnit(afterNext);
}

export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/**
 * The code point at a position, which must be in the text. Not `codePointAt`: as V8 14.6 compiles it, it reads beyond the
 * end of a text that is a slice of another one, and makes a pair of the last unit and one that is not there.
 */
export function codePointAt(text: string, position: number): number {
  const unit = text.charCodeAt(position);
  if (!isHighSurrogate(unit) || position + 1 >= text.length) return unit;
  const second = text.charCodeAt(position + 1);
  return isLowSurrogate(second) ? (unit - 0xd800) * 0x400 + (second - 0xdc00) + 0x10000 : unit;
}

/** The code point that ends before a position greater than 0. */
export function codePointBefore(text: string, position: number): number {
  const unit = text.charCodeAt(position - 1);
  return isLowSurrogate(unit) && position > 1 && isHighSurrogate(text.charCodeAt(position - 2))
    ? codePointAt(text, position - 2)
    : unit;
}
