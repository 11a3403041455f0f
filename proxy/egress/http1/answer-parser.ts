import { ChunkedBody, hasSingleBreak } from './chunks.ts';
import { type AnswerHead, parseHead } from './head.ts';
import { HttpError } from './http-error.ts';

/** What some bytes have brought. */
export interface Parsed {
  /** The head of the answer, if it is complete with these bytes. */
  readonly head: AnswerHead | undefined;
  /** Content of the answer. A copy. */
  readonly data: Buffer | undefined;
  readonly isComplete: boolean;
  /** Whether an interim answer (1xx) was skipped. */
  readonly isInterim: boolean;
  /** Because of this the answer cannot be read on. What came before it counts. */
  readonly problem: HttpError | undefined;
}

const headEnd = '\r\n\r\n';
const beginning = 'HTTP/1.';

/**
 * Reads one answer from the bytes of a connection, however they are cut. It calls nobody and keeps none of the bytes that
 * it is given, so that they may lie in a buffer that is used again.
 */
export class AnswerParser {
  readonly #maxHeadBytes: number;
  /** The beginning of a head. */
  #text = '';
  #head: AnswerHead | undefined;
  /** Bytes that are still to come, of a body whose length is known. */
  #left = 0;
  #chunks: ChunkedBody | undefined;
  #isComplete = false;
  #hasSurplus = false;
  #interims = 0;

  /** @param maxHeadBytes limits the names and values of the headers together */
  constructor(maxHeadBytes: number) {
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Whether anything followed the end of the answer. Then nobody knows whose answer it is. */
  hasSurplus(): boolean {
    return this.#hasSurplus;
  }

  hasHead(): boolean {
    return this.#head !== undefined;
  }

  /** Whether the answer goes on to the end of the connection. */
  endsWithConnection(): boolean {
    return this.#head?.framing === 'until-close';
  }

  feed(bytes: Buffer): Parsed {
    const before = this.#head;
    const interims = this.#interims;
    const content = new Content(bytes);
    let problem: HttpError | undefined;
    try {
      const at = before ? 0 : this.#readHead(bytes);
      if (this.#head) this.#readBody(this.#head, bytes, at, content);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      problem = error;
    }
    const head = before === this.#head ? undefined : this.#head;
    const isInterim = interims !== this.#interims;
    return { head, data: content.copy(), isComplete: this.#isComplete, isInterim, problem };
  }

  /** @returns where the body begins */
  #readHead(bytes: Buffer): number {
    let at = 0;
    while (!this.#head) {
      const known = this.#text.length;
      // Parsing counts what counts; this only keeps a head without an end from growing.
      const text = this.#text + bytes.toString('latin1', at, Math.min(bytes.length, at + 2 * this.#maxHeadBytes));
      const end = text.indexOf(headEnd, Math.max(0, known - headEnd.length));
      if (end === -1) {
        this.#text = text;
        this.#checkBeginning(text);
        return bytes.length;
      }
      this.#text = '';
      at += end + headEnd.length - known;
      const head = parseHead(text.slice(0, end + 2), this.#maxHeadBytes);
      // Nobody asked to be told to continue, or for another protocol.
      if (head.status === 100 || head.status === 101)
        throw new HttpError('socket', `The answer has status ${head.status}`);
      if (head.status < 200) {
        if (!head.keepsAlive) throw new HttpError('malformed', 'The connection ends with an interim answer');
        this.#interims += 1;
      } else this.#begin(head);
    }
    return at;
  }

  /** What can become no head is refused at once, not when it is too long or too late. */
  #checkBeginning(text: string): void {
    if (!text.startsWith(beginning) && !beginning.startsWith(text))
      throw new HttpError('malformed', 'The answer is not HTTP/1.1');
    if (hasSingleBreak(text)) throw new HttpError('malformed', 'The answer has a header that is not one');
    if (text.length >= 2 * this.#maxHeadBytes)
      throw new HttpError('headersOverflow', 'The head of the answer has no end');
  }

  #begin(head: AnswerHead): void {
    this.#head = head;
    if (head.framing === 'chunked') this.#chunks = new ChunkedBody();
    else if (head.framing === 0) this.#isComplete = true;
    else if (head.framing !== 'until-close') this.#left = head.framing;
  }

  #readBody({ framing }: AnswerHead, bytes: Buffer, from: number, content: Content): void {
    let at = from;
    if (this.#chunks) {
      at = this.#chunks.read(bytes, from, content.add);
      this.#isComplete = this.#chunks.isOver();
    } else if (framing === 'until-close') {
      content.add(from, bytes.length);
      at = bytes.length;
    } else if (this.#left > 0) {
      at = Math.min(bytes.length, from + this.#left);
      content.add(from, at);
      this.#left -= at - from;
      this.#isComplete = this.#left === 0;
    }
    if (at < bytes.length) this.#hasSurplus = true;
  }
}

/** Gathers pieces of some bytes in one copy. */
class Content {
  readonly #bytes: Buffer;
  #copy: Buffer | undefined;
  #length = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  readonly add = (start: number, end: number): void => {
    if (start === end) return;
    // The pieces that follow have room, too.
    this.#copy ??= Buffer.allocUnsafe(this.#bytes.length - start);
    this.#length += this.#bytes.copy(this.#copy, this.#length, start, end);
  };

  copy(): Buffer | undefined {
    return this.#copy?.subarray(0, this.#length);
  }
}
