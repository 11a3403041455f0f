import { HttpError } from './http-error.ts';

/** Header fields with lower-case names. A field that comes several times has a list. */
export type Fields = Record<string, string | string[]>;

/**
 * One field with its line break: a token, a colon right behind it, and visible text. Everything that servers and clients
 * have read in different ways is excluded: folded lines, a blank before the colon, single CR or LF, control characters.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-5
 */
const line = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\r\n/y;

/**
 * Reads fields, each of which ends with CRLF.
 *
 * @param text as latin1
 * @param from where the first one begins
 * @param maxBytes limits the names and values together
 * @throws {HttpError}
 */
export function parseFields(text: string, from: number, maxBytes: number): Fields {
  const fields: Fields = {};
  let bytes = 0;
  line.lastIndex = from;
  for (let at = from; at < text.length; at = line.lastIndex) {
    const match = line.exec(text);
    if (!match) throw new HttpError('malformed', 'The answer has a header that is not one');
    const [, name = '', padded = ''] = match;
    const value = withoutBlanksBehind(padded);
    bytes += name.length + value.length;
    if (bytes >= maxBytes)
      throw new HttpError('headersOverflow', `The answer has more than ${maxBytes} bytes of headers`);
    add(fields, name.toLowerCase(), value);
  }
  return fields;
}

function add(fields: Fields, name: string, value: string): void {
  const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (Array.isArray(known)) known.push(value);
  else if (known !== undefined) fields[name] = [known, value];
  // An assignment would set the prototype.
  else if (name === '__proto__') Object.defineProperty(fields, name, { value, enumerable: true, writable: true });
  else fields[name] = value;
}

function withoutBlanksBehind(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
