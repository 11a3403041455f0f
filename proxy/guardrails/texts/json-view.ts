/** A piece of a JSON text, and what its characters mean. */
export interface ViewedPiece {
  /** The piece as it is written: without an escape that is not complete yet, and with the rest of the one before. */
  readonly raw: string;
  /** What the piece says: escapes in its strings are replaced by their characters. */
  readonly text: string;
  /** The offset in `raw` of each character of `text`, and of the end. Undefined where they are equal. */
  readonly offsets: readonly number[] | undefined;
}

/** A piece of plain text. */
export function plainPiece(text: string): ViewedPiece {
  return { raw: text, text, offsets: undefined };
}

/** Views a piece that no other piece completes. */
export function viewWhole(view: JsonView, piece: string): ViewedPiece {
  const viewed = view.push(piece);
  const rest = view.takeCarry();
  return rest === '' ? viewed : { ...viewed, raw: viewed.raw + rest };
}

/** An escape at the end of a piece that more characters may complete. */
const unfinishedEscape = /^\\(?:u[0-9a-fA-F]{0,3})?$/;

/**
 * Reads a JSON text in pieces as its reader will understand it: `\u0040` is an @. Text that is not JSON is read
 * leniently: only escapes within quotes are replaced.
 */
export class JsonView {
  #inString = false;
  #carry = '';
  #length = 0;
  /** The positions, in the text of all pieces, of the quotes that begin and end strings. */
  readonly #quotes: number[] = [];

  /** Whether an escape waits for its end. */
  isUnfinished(): boolean {
    return this.#carry !== '';
  }

  /** The beginning of an escape that has not been completed. */
  takeCarry(): string {
    const carry = this.#carry;
    this.#carry = '';
    return carry;
  }

  push(piece: string): ViewedPiece {
    const raw = this.#carry + piece;
    this.#carry = '';
    if (!raw.includes('\\')) {
      this.#noteQuotes(raw);
      return { raw, text: raw, offsets: undefined };
    }
    return this.#decode(raw);
  }

  #noteQuotes(raw: string): void {
    for (let at = raw.indexOf('"'); at !== -1; at = raw.indexOf('"', at + 1)) this.#quote(this.#length + at);
    this.#length += raw.length;
  }

  #quote(position: number): void {
    this.#inString = !this.#inString;
    this.#quotes.push(position);
  }

  #decode(raw: string): ViewedPiece {
    const offsets: number[] = [];
    let text = '';
    let at = 0;
    while (at < raw.length) {
      const character = raw.charAt(at);
      if (character !== '\\' || !this.#inString) {
        if (character === '"') this.#quote(this.#length + text.length);
        text += character;
        offsets.push(at);
        at += 1;
        continue;
      }
      const rest = raw.slice(at, at + 6);
      if (unfinishedEscape.test(rest) && at + rest.length === raw.length) {
        this.#carry = raw.slice(at);
        break;
      }
      const length = escapeLength(rest);
      text += decodeEscape(rest.slice(0, length));
      offsets.push(at);
      at += length;
    }
    offsets.push(at);
    this.#length += text.length;
    return { raw: raw.slice(0, at), text, offsets };
  }

  /**
   * How a match can be replaced without breaking the JSON.
   *
   * @param start and `end`: positions in the text of all pieces
   * @returns `inside` a string; `outside`, as a value of its own; `across`: it cannot
   */
  placeOf(start: number, end: number): 'inside' | 'outside' | 'across' {
    const before = countBelow(this.#quotes, start);
    if (countBelow(this.#quotes, end) !== before) return 'across';
    return before % 2 === 1 ? 'inside' : 'outside';
  }
}

/** How many of the rising numbers are below the limit. */
function countBelow(rising: readonly number[], limit: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function escapeLength(rest: string): number {
  return /^\\u[0-9a-fA-F]{4}/.test(rest) ? 6 : 2;
}

function decodeEscape(written: string): string {
  try {
    return String(JSON.parse(`"${written}"`));
  } catch {
    // It is no escape of JSON. It is shown as one character, which stands for both of it.
    return written.charAt(1);
  }
}
