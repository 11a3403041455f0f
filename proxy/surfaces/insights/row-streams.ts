import type { IncomingMessage } from 'node:http';
import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { parse } from 'csv-parse';
import { unpackBody } from '../../calls/receive/receive-body.ts';
import { ProxyError } from '../../error.ts';
import { asObject } from '../../providers/json.ts';

type Row = Readonly<Record<string, unknown>>;

/** A longer row is none. */
const longestRow = 1024 * 1024;

/** The formats in which rows can come one after the other, by their media types. */
const readers: Readonly<Record<string, () => Transform>> = {
  'text/csv': () =>
    parse({ columns: true, bom: true, skip_empty_lines: true, trim: true, max_record_size: longestRow }),
  'application/x-ndjson': () => new Lines(),
};

export const rowFormats = Object.keys(readers);

/**
 * Reads rows while they arrive, so that memory does not depend on how many there are.
 *
 * @param format one of `rowFormats`
 */
export async function* readRows(request: IncomingMessage, format: string): AsyncGenerator<Row> {
  const reader = readers[format]?.();
  if (!reader) throw new ProxyError('invalid_request');
  const source = unpackBody(request);
  const onFailure = (error: Error) => reader.destroy(error);
  source.once('error', onFailure);
  request.once('close', () => {
    if (!request.complete) reader.destroy(new Error('The client broke off'));
  });
  try {
    for await (const row of source.pipe(reader)) yield row as Row;
  } catch (cause) {
    throw cause instanceof ProxyError ? cause : unreadable(cause);
  } finally {
    drain(source, reader);
  }
}

/** A client that is still sending would not see its answer otherwise. */
function drain(source: Readable, reader: Transform): void {
  source.unpipe(reader);
  source.on('error', () => {});
  source.resume();
}

function unreadable(cause: unknown): ProxyError {
  const where = cause instanceof Error ? cause.message : 'it breaks off';
  return new ProxyError('invalid_request', { param: 'data', message: `data cannot be read: ${where}`, cause });
}

/** JSON objects, one a line. */
class Lines extends Transform {
  #rest = '';
  #line = 0;
  readonly #decoder = new TextDecoder();

  constructor() {
    super({ readableObjectMode: true });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    done(this.#push(lines) ?? (this.#rest.length > longestRow ? this.#wrong('is too long') : null));
  }

  override _flush(done: TransformCallback): void {
    done(this.#push([this.#rest + this.#decoder.decode()]) ?? null);
  }

  #push(lines: readonly string[]): ProxyError | undefined {
    for (const line of lines) {
      this.#line += 1;
      if (line.trim() === '') continue;
      const row = parseRow(line);
      if (!row) return this.#wrong('is no JSON object');
      this.push(row);
    }
    return undefined;
  }

  #wrong(problem: string): ProxyError {
    const message = `data: line ${this.#line} ${problem}`;
    return new ProxyError('invalid_request', { param: 'data', message });
  }
}

function parseRow(line: string): Row | undefined {
  try {
    return asObject(JSON.parse(line)) ?? undefined;
  } catch {
    return undefined;
  }
}
