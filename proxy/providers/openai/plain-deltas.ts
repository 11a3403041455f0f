import { type Body, parseObject } from '../json.ts';
import { decodeLatin1, parseEvent } from '../sse.ts';

/** The text that an event adds to a choice. */
export interface AddedText {
  readonly choiceIndex: number;
  readonly text: string;
}

/** A part of an event, by its offsets. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What plain events have around their text. */
interface Form {
  readonly choiceIndex: number;
  /** From the event's beginning to the quote before the text. */
  readonly before: string;
  /** From the quote after the text to the event's end, or to the quote before the obfuscation. */
  readonly after: string;
  /** From the quote after the obfuscation. Undefined where the events have none. */
  readonly end: string | undefined;
  /** What the client must not see, and from where its offsets count. */
  readonly hidden: (Range & { readonly from: 'begin' | 'text' | 'obfuscation' }) | undefined;
}

const textBegin = /"(?:content|text)"\s*:\s*"/;
/** OpenAI's random characters, which make all events about equally long. No reader uses them. */
const obfuscationBegin = /"obfuscation"\s*:\s*"/;
/** The rest of a JSON string, with its quote. The characters are those of RFC 8259, section 7, as bytes. */
const stringRest = /[ !#-[\]-\xff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\xff]*)*"/y;

const quote = 0x22;
const backslash = 0x5c;
const blank = 0x20;

/** Larger events are parsed. They are rare, and a regular expression needs much memory for a very long string. */
const maxLength = 16_384;

/** A stream whose events never have the same form is not compared any longer. */
const maxUnused = 8;

/**
 * Recognizes events of a stream without parsing them: those that are equal to the event that was parsed last, except
 * for the text that they add. All other facts in them are known from that event. `learn` must be told of every event
 * that is parsed.
 */
export class PlainDeltas {
  readonly #read: (chunk: Body) => AddedText | undefined;
  #form: Form | undefined;
  #unused = 0;
  #textEnd = 0;
  #obfuscationEnd = 0;

  /** @param read the text that a chunk adds. Undefined where the chunk has any other new fact */
  constructor(read: (chunk: Body) => AddedText | undefined) {
    this.#read = read;
  }

  /**
   * Learns the form of an event that was parsed.
   *
   * @param hidden a part of the event that the client must not see; it is neither in the text nor in the obfuscation
   */
  learn(raw: string, chunk: Body, hidden: Range | undefined): void {
    this.#form = undefined;
    if (this.#unused >= maxUnused || raw.length > maxLength) return;
    const added = this.#read(chunk);
    if (!added) return;
    this.#unused += 1;
    this.#form = this.#formOf(raw, added, hidden);
  }

  /** Whether the event only adds text. */
  matches(raw: string): boolean {
    const form = this.#form;
    if (!form || raw.length > maxLength || !hasAt(raw, form.before, 0)) return false;
    const textEnd = findStringEnd(raw, form.before.length);
    if (textEnd === -1 || !hasAt(raw, form.after, textEnd)) return false;
    let at = textEnd + form.after.length;
    if (form.end !== undefined) {
      at = findStringEnd(raw, at);
      if (at === -1 || !hasAt(raw, form.end, at)) return false;
      this.#obfuscationEnd = at;
      at += form.end.length;
    }
    if (at !== raw.length) return false;
    this.#textEnd = textEnd;
    this.#unused = 0;
    return true;
  }

  /** The text of the event that matched last. */
  added(raw: string): AddedText {
    const { choiceIndex = 0, before = '' } = this.#form ?? {};
    return { choiceIndex, text: decodeString(raw.slice(before.length, this.#textEnd)) };
  }

  /** The event that matched last, without the hidden part. */
  shown(raw: string): string {
    const hidden = this.#form?.hidden;
    if (!hidden) return raw;
    const from = { begin: 0, text: this.#textEnd, obfuscation: this.#obfuscationEnd }[hidden.from];
    return raw.slice(0, from + hidden.start) + raw.slice(from + hidden.end);
  }

  /** The form of the event. Undefined where the event has its text in another place than the form would. */
  #formOf(raw: string, { choiceIndex, text }: AddedText, hidden: Range | undefined): Form | undefined {
    const begin = textBegin.exec(raw);
    if (!begin || !raw.endsWith('\n')) return undefined;
    const textStart = begin.index + begin[0].length;
    const textEnd = findStringEnd(raw, textStart);
    if (textEnd === -1) return undefined;
    const before = raw.slice(0, textStart);
    const rest = raw.slice(textEnd);
    // The same event with a longer text shows whether it is this string that is read.
    const longer = parseObject(parseEvent(`${before}${raw.slice(textStart, textEnd)}.${rest}`).data);
    const readBack = longer && this.#read(longer);
    if (readBack?.text !== `${text}.` || readBack.choiceIndex !== choiceIndex) return undefined;
    const parts = splitAtObfuscation(rest);
    const obfuscationEnd = parts.end === undefined ? raw.length : raw.length - parts.end.length;
    return { choiceIndex, before, ...parts, hidden: hidden && placeOf(hidden, textEnd, obfuscationEnd) };
  }
}

function placeOf({ start, end }: Range, textEnd: number, obfuscationEnd: number): NonNullable<Form['hidden']> {
  if (start < textEnd) return { from: 'begin', start, end };
  if (start < obfuscationEnd) return { from: 'text', start: start - textEnd, end: end - textEnd };
  return { from: 'obfuscation', start: start - obfuscationEnd, end: end - obfuscationEnd };
}

function splitAtObfuscation(rest: string): Pick<Form, 'after' | 'end'> {
  const begin = obfuscationBegin.exec(rest);
  const start = begin ? begin.index + begin[0].length : -1;
  const end = start === -1 ? -1 : findStringEnd(rest, start);
  return end === -1 ? { after: rest, end: undefined } : { after: rest.slice(0, start), end: rest.slice(end) };
}

/** The offset of the quote that ends a string. -1 where the string is not valid JSON. */
function findStringEnd(raw: string, start: number): number {
  for (let at = start; at < raw.length; at += 1) {
    const byte = raw.charCodeAt(at);
    if (byte === quote) return at;
    if (byte === backslash) return findEndBehindEscapes(raw, at);
    if (byte < blank) return -1;
  }
  return -1;
}

function findEndBehindEscapes(raw: string, start: number): number {
  stringRest.lastIndex = start;
  return stringRest.test(raw) ? stringRest.lastIndex - 1 : -1;
}

/** Comparing a slice is several times as fast as `startsWith`. */
function hasAt(raw: string, part: string, at: number): boolean {
  return raw.slice(at, at + part.length) === part;
}

function decodeString(escaped: string): string {
  const text = decodeLatin1(escaped);
  return text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text;
}
