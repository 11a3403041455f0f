import { isUtf8 } from 'node:buffer';

/** Bytes as text, or why they are none. */
export type Decoded = { readonly text: string } | { readonly reason: string; readonly line?: number };

const newline = 0x0a;

/**
 * Reads bytes as UTF-8, strictly: what is none would otherwise be in force with replacement characters, unnoticed. A byte
 * order mark is left out. UTF-16, which editors call Unicode, and the first line with a wrong byte are named.
 */
export function decodeText(bytes: Uint8Array): Decoded {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const encoding = otherEncoding(buffer);
  if (encoding) return { reason: `is ${encoding}; save it as UTF-8` };
  if (isUtf8(buffer)) return { text: new TextDecoder().decode(buffer) };
  return wrongLine(buffer);
}

/**
 * Likewise, for what has to be text.
 *
 * @param name what it is, for the error's message; the bytes are not shown
 * @throws {RangeError} where the bytes are no UTF-8
 */
export function requireText(bytes: Uint8Array, name: string): string {
  const decoded = decodeText(bytes);
  if ('text' in decoded) return decoded.text;
  const place = decoded.line === undefined ? '' : ` (line ${decoded.line})`;
  throw new RangeError(`${name}${place} ${decoded.reason}`);
}

function otherEncoding(bytes: Buffer): string | undefined {
  const [first, second, third, fourth] = bytes;
  if (bytes.length < 2) return undefined;
  const marks = [first, second].join();
  if (marks === '255,254') return third === 0 && fourth === 0 ? 'UTF-32' : 'UTF-16';
  if (marks === '254,255') return 'UTF-16';
  // Without a mark: letters of Latin are mostly zeros then, and no text in UTF-8 begins with one.
  if (first !== 0 && second !== 0) return undefined;
  const zeros = [first, second, third, fourth].filter((byte) => byte === 0).length;
  return zeros === 3 ? 'UTF-32' : 'UTF-16';
}

function wrongLine(bytes: Buffer): Decoded {
  let line = 1;
  for (let start = 0; start <= bytes.length; line += 1) {
    const found = bytes.indexOf(newline, start);
    const end = found === -1 ? bytes.length : found;
    if (!isUtf8(bytes.subarray(start, end))) {
      return {
        line,
        reason: 'is not UTF-8, but perhaps Latin-1 or another encoding of one byte a character; save it as UTF-8',
      };
    }
    start = end + 1;
  }
  return { reason: 'is not UTF-8; save it as UTF-8' };
}
