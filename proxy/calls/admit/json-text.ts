/** Facts about a JSON text, which parsing loses. */
export interface JsonTextFacts {
  /** The number of field names. A repeated one counts twice. */
  readonly nameCount: number;
  /** Whether any name is written with escapes. */
  readonly hasEscapedNames: boolean;
  /** Whether JavaScript would write a number differently. */
  readonly hasInexactNumbers: boolean;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Reads these facts. It jumps from string to string, so a long text costs only the search for its end.
 *
 * @param text valid JSON of an object
 */
export function scanJson(text: string): JsonTextFacts {
  let nameCount = 0;
  let hasEscapedNames = false;
  let hasInexactNumbers = false;
  let backslashAt = text.indexOf('\\');
  /** Where the text outside of strings goes on. */
  let outside = 0;
  for (let start = text.indexOf('"'); start !== -1; start = text.indexOf('"', outside)) {
    if (hasInexactNumber(text, outside, start)) hasInexactNumbers = true;
    const end = endOfString(text, start);
    outside = end + 1;
    while (text.charCodeAt(outside) <= 0x20) outside += 1;
    if (text.charCodeAt(outside) !== colon) continue;
    nameCount += 1;
    if (backslashAt !== -1 && backslashAt < start) backslashAt = text.indexOf('\\', start);
    if (backslashAt !== -1 && backslashAt < end) hasEscapedNames = true;
  }
  if (hasInexactNumber(text, outside, text.length)) hasInexactNumbers = true;
  return { nameCount, hasEscapedNames, hasInexactNumbers };
}

/** Numbers that JavaScript writes differently: many digits, exponents, trailing zeros, minus zero. */
const inexactNumber = /\d{16}|\d[eE][-+]?\d|\.\d*0(?!\d)|-0(?![.\d])/;
/** The shortest are `-0`, with a character before it and one after it. */
const shortestInexact = 4;

function hasInexactNumber(text: string, from: number, to: number): boolean {
  return to - from >= shortestInexact && inexactNumber.test(text.slice(from, to));
}

/** A field name as parsed, and its spelling in the text. */
export interface FieldName {
  readonly name: string;
  readonly isEscaped: boolean;
  readonly isRepeated: boolean;
}

/**
 * Yields all field names in order, each with whether it is a repetition in its object. It is slower than counting.
 *
 * @param text valid JSON
 */
export function* fieldNames(text: string): Generator<FieldName, void> {
  const seen: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x7b || code === 0x5b) seen.push(new Set());
    else if (code === 0x7d || code === 0x5d) seen.pop();
    if (code !== quote) continue;
    const end = endOfString(text, at);
    let after = end + 1;
    while (text.charCodeAt(after) <= 0x20) after += 1;
    if (text.charCodeAt(after) === colon) {
      const written = text.slice(at, end + 1);
      const name: string = JSON.parse(written);
      const before = seen.at(-1);
      yield { name, isEscaped: written.includes('\\'), isRepeated: before?.has(name) ?? false };
      before?.add(name);
    }
    at = after - 1;
  }
}

/**
 * Finds the closing quote of the string that begins at `start`: the first quote after an even number of backslashes.
 */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
}
