import { isAscii } from 'node:buffer';

/** One event of a stream. */
export interface ServerSentEvent {
  /** The `event:` field; empty where there is none. */
  readonly name: string;
  readonly data: string;
  /** Its bytes as they came, with the blank line that ends it: each as one Latin-1 character. */
  readonly raw: string;
}

/** Providers send images in events; nothing they send is larger. */
const maxEventBytes = 64 * 1024 * 1024;

/**
 * Splits a byte stream into server-sent events, wherever the chunks break.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 * @returns a function that takes a chunk and returns the events it completed
 */
export function makeEventSplitter(): (chunk: Buffer) => ServerSentEvent[] {
  /** Chunks of an event whose end has not come: put together only once it has, as one with an image has many. */
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  /** The last bytes of what is pending, with which the end of the event may have begun. */
  let tail: Buffer = Buffer.alloc(0);

  const wait = (bytes: Buffer) => {
    pending.push(bytes);
    pendingBytes += bytes.length;
    if (pendingBytes > maxEventBytes) throw new RangeError(`An event has more than ${maxEventBytes} bytes`);
    tail = bytes.length < 3 ? Buffer.concat([tail, bytes]).subarray(-3) : bytes.subarray(-3);
  };

  return (chunk) => {
    if (pendingBytes > 0 && findEventEnd(Buffer.concat([tail, chunk]).toString('latin1'), 0) === -1) {
      wait(chunk);
      return [];
    }
    const bytes = pendingBytes === 0 ? chunk : Buffer.concat([...pending, chunk]);
    // Parts of one text cost nothing, while a part of a buffer is an object of its own.
    const text = bytes.toString('latin1');
    const isUtf8 = !isAscii(bytes);
    let searchFrom = Math.max(0, pendingBytes - 3);
    let start = 0;
    const events: ServerSentEvent[] = [];
    for (;;) {
      const end = findEventEnd(text, searchFrom);
      if (end === -1) break;
      events.push(parseEvent(text.slice(start, end), isUtf8));
      start = end;
      searchFrom = end;
    }
    pending = [];
    pendingBytes = 0;
    tail = Buffer.alloc(0);
    if (start < bytes.length) wait(bytes.subarray(start));
    return events;
  };
}

/** The offset behind the blank line that ends the event; -1 where it has not come yet. Lines end in LF, CRLF or CR. */
function findEventEnd(text: string, from: number): number {
  for (let at = text.indexOf('\n', from); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (text.startsWith('\n', at + 1)) return at + 2;
    if (text.startsWith('\r\n', at + 1)) return at + 3;
  }
  const bare = text.indexOf('\r\r', from);
  return bare === -1 ? -1 : bare + 2;
}

function parseEvent(raw: string, isUtf8: boolean): ServerSentEvent {
  let name = '';
  let data: string | undefined;
  const text = isUtf8 ? Buffer.from(raw, 'latin1').toString('utf8') : raw;
  for (const line of text.split(text.includes('\r') ? /\r\n|\n|\r/ : '\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const field = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'event') name = value;
  }
  return { name, data: data ?? '', raw };
}
