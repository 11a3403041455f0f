/** What the text of a JSON value says of the names of its fields, which is lost once it is parsed. */
export interface FieldNames {
  /** How many there are, one that stands twice in an object counting twice. */
  readonly count: number;
  /** Whether one is written with escapes. */
  readonly hasEscapes: boolean;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Counts the names of fields. From string to string, so that long texts cost no more than a search for their end.
 *
 * @param text valid JSON
 */
export function countFieldNames(text: string): FieldNames {
  let count = 0;
  let hasEscapes = false;
  let backslashAt = text.indexOf('\\');
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = endOfString(text, start);
    let after = end + 1;
    while (text.charCodeAt(after) <= 0x20) after += 1;
    if (text.charCodeAt(after) === colon) {
      count += 1;
      if (backslashAt !== -1 && backslashAt < start) backslashAt = text.indexOf('\\', start);
      if (backslashAt !== -1 && backslashAt < end) hasEscapes = true;
    }
    start = text.indexOf('"', after);
  }
  return { count, hasEscapes };
}

/** The name of a field as it is read, and how it stands in the text. */
export interface FieldName {
  readonly name: string;
  readonly isEscaped: boolean;
  readonly isRepeated: boolean;
}

/**
 * The names of all fields in their order, each with whether it stood in its object before. Slower than counting them.
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

/** Where the string that begins at `start` has its closing quote: the first behind an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
}
