/** One event of a stream. */
export interface ServerSentEvent {
  /** The `event:` field. Empty where there is none. */
  readonly name: string;
  readonly data: string;
}

/**
 * Splits a byte stream into events, independent of its chunks. An event is its raw bytes, with the final blank line,
 * each as one Latin-1 character.
 */
export interface EventSplitter {
  /**
   * Takes a chunk, and returns the events that it completed.
   *
   * @throws {RangeError} where an event is larger than any real one
   */
  push(chunk: Buffer): readonly string[];
  /**
   * The stream is over, so pending bytes are an event. The last blank line, and the last line break, may be missing.
   */
  end(): string | undefined;
  /**
   * The bytes that may pass after the last chunk, or the end: whole events, and pieces of a very large one. Call it once:
   * they are not held, since a chunk may keep all of Node's pool of buffers that it is a part of.
   */
  freed(): Buffer | undefined;
  /** Whether no bytes wait for the rest of their event. */
  isEmpty(): boolean;
  /** Whether pieces of an incomplete event have passed. */
  isInside(): boolean;
}

/** Images are the largest events that providers send. */
const maxEventBytes = 64 * 1024 * 1024;

/** Up to this size, an event is held back until it is complete. */
const maxHeldBytes = 1024 * 1024;

const none: readonly string[] = [];
const nothing: Buffer = Buffer.alloc(0);

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
export function makeEventSplitter(): EventSplitter {
  /** Chunks of an incomplete event. They are joined only at its end, since an event with an image has many. */
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  /** How many of the pending bytes have already passed. */
  let freedBytes = 0;
  let freed: Buffer | undefined;
  /** The last pending bytes, which may be the beginning of the event's end. */
  let tail = nothing;

  const wait = (bytes: Buffer) => {
    pending.push(bytes);
    pendingBytes += bytes.length;
    if (pendingBytes > maxEventBytes) throw new RangeError(`An event has more than ${maxEventBytes} bytes`);
    tail = bytes.length < 3 ? Buffer.concat([tail, bytes]).subarray(-3) : bytes.subarray(-3);
    if (pendingBytes <= maxHeldBytes) return;
    const piece = freedBytes > 0 ? bytes : Buffer.concat(pending);
    freed = freed ? Buffer.concat([freed, piece]) : piece;
    freedBytes = pendingBytes;
  };

  const clear = () => {
    pending = [];
    pendingBytes = 0;
    freedBytes = 0;
    tail = nothing;
  };

  return {
    push(chunk) {
      freed = undefined;
      if (pendingBytes > 0 && findEventEnd(Buffer.concat([tail, chunk]).toString('latin1'), 0) === -1) {
        wait(chunk);
        return none;
      }
      const bytes = pendingBytes === 0 ? chunk : Buffer.concat([...pending, chunk]);
      // Slices of a string are cheap, while a slice of a buffer is a separate object.
      const text = bytes.toString('latin1');
      let searchFrom = Math.max(0, pendingBytes - 3);
      let start = 0;
      const events: string[] = [];
      for (;;) {
        const end = findEventEnd(text, searchFrom);
        if (end === -1) break;
        events.push(text.slice(start, end));
        start = end;
        searchFrom = end;
      }
      // Most chunks are whole events, and pass unchanged.
      const isWhole = freedBytes === 0 && start === bytes.length;
      if (start > 0) freed = isWhole ? bytes : bytes.subarray(freedBytes, start);
      if (pendingBytes > 0) clear();
      if (start < bytes.length) wait(bytes.subarray(start));
      return events;
    },
    end() {
      freed = undefined;
      if (pendingBytes === 0) return undefined;
      const bytes = Buffer.concat(pending);
      freed = bytes.subarray(freedBytes);
      clear();
      return bytes.toString('latin1');
    },
    freed() {
      const bytes = freed;
      freed = undefined;
      return bytes;
    },
    isEmpty: () => pendingBytes === 0,
    isInside: () => freedBytes > 0,
  };
}

/**
 * The offset after the blank line that ends the event. -1 where it has not arrived yet. Lines end in LF, CRLF or CR.
 */
function findEventEnd(text: string, from: number): number {
  for (let at = text.indexOf('\n', from); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (text.startsWith('\n', at + 1)) return at + 2;
    if (text.startsWith('\r\n', at + 1)) return at + 3;
  }
  const bare = text.indexOf('\r\r', from);
  return bare === -1 ? -1 : bare + 2;
}

/** Reads an event from its raw bytes, as the splitter returns them. */
export function parseEvent(raw: string): ServerSentEvent {
  let name = '';
  let data: string | undefined;
  const text = decodeLatin1(raw);
  for (const line of text.split(text.includes('\r') ? /\r\n|\n|\r/ : '\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const field = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'event') name = value;
  }
  return { name, data: data ?? '' };
}

const notAscii = /[\x80-\xff]/;

/** Reads UTF-8 from bytes that are each one Latin-1 character. */
export function decodeLatin1(raw: string): string {
  return notAscii.test(raw) ? Buffer.from(raw, 'latin1').toString('utf8') : raw;
}

/** Whether it is the event that ends most streams of chunks. Surrounding blanks are ignored. */
export function isDone(data: string): boolean {
  return !data.startsWith('{') && data.trim() === '[DONE]';
}
