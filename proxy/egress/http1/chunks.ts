import { parseFields } from './fields.ts';
import { HttpError } from './http-error.ts';

const cr = 0x0d;
const lf = 0x0a;
const semicolon = 0x3b;
/** Of the size of a chunk. A larger one is no exact number. */
const maxSizeDigits = 13;
/** Of what may follow the size of a chunk on its line. Nobody uses it. */
const maxExtensionBytes = 4 * 1024;
const maxTrailerBytes = 16 * 1024;

/** Names with or without a value, each behind a semicolon. */
const extensions =
  /^(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t -~])*"))?)+$/;

type Place = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'over';

/**
 * Takes the chunks of one body apart. Sizes, breaks and trailers must be exactly as the standard has them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1
 */
export class ChunkedBody {
  #place: Place = 'size';
  #size = 0;
  #digits = 0;
  /** What follows the size on its line. */
  #extension = '';
  #trailer = '';

  isOver(): boolean {
    return this.#place === 'over';
  }

  /**
   * Reads what has arrived.
   *
   * @param onData gets the range of each piece of content
   * @returns where it has stopped, which is before the end of the bytes only where the body is over
   * @throws {HttpError}
   */
  read(bytes: Buffer, from: number, onData: (start: number, end: number) => void): number {
    let at = from;
    while (at < bytes.length && this.#place !== 'over') {
      if (this.#place === 'data') {
        const end = Math.min(bytes.length, at + this.#size);
        onData(at, end);
        this.#size -= end - at;
        if (this.#size === 0) this.#place = 'data-cr';
        at = end;
      } else if (this.#place === 'trailer') {
        at = this.#readTrailer(bytes, at);
      } else {
        this.#readFraming(bytes[at] ?? 0);
        at += 1;
      }
    }
    return at;
  }

  #readFraming(byte: number): void {
    switch (this.#place) {
      case 'size':
        this.#readSize(byte);
        return;
      case 'extension':
        this.#readExtension(byte);
        return;
      case 'size-lf':
        expect(byte, lf);
        this.#place = this.#size === 0 ? 'trailer' : 'data';
        return;
      case 'data-cr':
        expect(byte, cr);
        this.#place = 'data-lf';
        return;
      default:
        expect(byte, lf);
        this.#place = 'size';
        this.#digits = 0;
    }
  }

  #readSize(byte: number): void {
    const digit = digitOf(byte);
    if (digit !== -1) {
      this.#digits += 1;
      if (this.#digits > maxSizeDigits) throw malformed();
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw malformed();
    if (byte === semicolon) {
      this.#extension = ';';
      this.#place = 'extension';
    } else {
      expect(byte, cr);
      this.#place = 'size-lf';
    }
  }

  #readExtension(byte: number): void {
    if (byte !== cr) {
      this.#extension += String.fromCharCode(byte);
      if (this.#extension.length > maxExtensionBytes) throw malformed();
      return;
    }
    if (!extensions.test(this.#extension)) throw malformed();
    this.#extension = '';
    this.#place = 'size-lf';
  }

  #readTrailer(bytes: Buffer, from: number): number {
    const known = this.#trailer.length;
    this.#trailer += bytes.toString('latin1', from, Math.min(bytes.length, from + maxTrailerBytes));
    const fieldsEnd = this.#trailer.startsWith('\r\n') ? 0 : this.#trailer.indexOf('\r\n\r\n') + 2;
    if (fieldsEnd === 1) {
      if (this.#trailer.length >= maxTrailerBytes || hasSingleBreak(this.#trailer)) throw malformed();
      return bytes.length;
    }
    // They are checked, so that nothing hides in them, and dropped.
    const trailers = parseFields(this.#trailer.slice(0, fieldsEnd), 0, maxTrailerBytes);
    if ('content-length' in trailers || 'transfer-encoding' in trailers) throw malformed();
    this.#place = 'over';
    return from + fieldsEnd + 2 - known;
  }
}

/** Whether a text has a line break other than CRLF. A CR at its end may be the beginning of one. */
export function hasSingleBreak(text: string): boolean {
  return /(?:^|[^\r])\n|\r[^\n]/.test(text);
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function expect(byte: number, expected: number): void {
  if (byte !== expected) throw malformed();
}

function malformed(): HttpError {
  return new HttpError('malformed', 'The answer has chunks that are not as they ought to be');
}
