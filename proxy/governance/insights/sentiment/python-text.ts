/** Texts as the reference implementation in Python treats them, where JavaScript differs. */

/** Python's white space has other characters than that of a regular expression. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are white space in Python
const space = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** `text.split()` */
export function splitWords(text: string): string[] {
  return text.split(space).filter((word) => word !== '');
}

/** `word.isupper()`: it has cased characters, all in upper case. */
export function isUpper(word: string): boolean {
  return /\p{Uppercase}/u.test(word) && !/[\p{Lowercase}\p{Lt}]/u.test(word);
}

/** `round(value, digits)`: to the nearest; halfway between two, to the even one. */
export function round(value: number, digits: number): number {
  // Only multiples of a power of two are exactly halfway.
  const halves = value * 2 ** (digits + 1);
  if (!Number.isInteger(halves) || halves % 2 === 0) return Number(value.toFixed(digits));
  const scale = 10 ** digits;
  const lower = Math.floor(value * scale);
  return (lower % 2 === 0 ? lower : lower + 1) / scale;
}
