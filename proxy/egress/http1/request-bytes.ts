import { HttpError } from './http-error.ts';

/** Headers that the client sets itself, or that would change where the request ends. */
const ownHeaders: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
]);
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const notInValue = /[^\t\x20-\x7e\x80-\xff]/;
const notInTarget = /[^\x21-\xff]/;

/**
 * Makes the request line and the headers, without the empty line behind them. What could end a line, or mean another
 * end of the request, is refused.
 *
 * @param headers names and values in turn
 * @throws {HttpError}
 */
export function makeRequestHead(method: string, path: string, host: string, headers: readonly string[]): string {
  if (!token.test(method) || notInTarget.test(path) || !path.startsWith('/'))
    throw new HttpError('invalidRequest', 'The request has a path that cannot be sent');
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    if (!token.test(name) || ownHeaders.has(name.toLowerCase()) || notInValue.test(value))
      throw new HttpError('invalidRequest', `The request has a header ${name} that cannot be sent`);
    head += `${name}: ${value}\r\n`;
  }
  return head;
}

/** Up to this size, a body is copied behind its head, since two writes cost more. */
const maxCopiedBytes = 64 * 1024;

/** What is written: as latin1 text, or as bytes. */
export type RequestBytes = string | readonly Buffer[];

/** Puts a body behind its head. */
export function makeRequestBytes(head: string, body: Buffer | string | null): RequestBytes {
  if (body === null) return `${head}\r\n`;
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const whole = `${head}content-length: ${length}\r\n\r\n`;
  // A text of ASCII is the same in latin1.
  if (typeof body === 'string' && body.length === length) return whole + body;
  if (length > maxCopiedBytes)
    return [Buffer.from(whole, 'latin1'), typeof body === 'string' ? Buffer.from(body) : body];
  const bytes = Buffer.allocUnsafe(whole.length + length);
  bytes.write(whole, 'latin1');
  if (typeof body === 'string') bytes.write(body, whole.length);
  else body.copy(bytes, whole.length);
  return [bytes];
}
