import { type Fields, parseFields } from './fields.ts';
import { HttpError } from './http-error.ts';

/** Where the body of an answer ends: after so many bytes, after its last chunk, or with the connection. */
export type Framing = number | 'chunked' | 'until-close';

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Fields;
  readonly framing: Framing;
  /** Whether the server keeps the connection for another request. */
  readonly keepsAlive: boolean;
  /** How long the server keeps the connection, as it says. */
  readonly keepAliveMs: number | undefined;
}

const statusLine = /HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?\r\n/y;
/** Enough for any body, and exact as a number. */
const length = /^\d{1,15}$/;
const keepAliveTimeout = /timeout=(\d{1,9})/;

/**
 * Reads the head of an answer to a request that is not HEAD or CONNECT. It is strict wherever two readers could disagree
 * on where the answer ends.
 *
 * @param text the status line and the fields as latin1, each with its CRLF, without the empty line behind them
 * @param maxBytes limits the names and values of the fields together
 * @throws {HttpError}
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3
 */
export function parseHead(text: string, maxBytes: number): AnswerHead {
  statusLine.lastIndex = 0;
  const match = statusLine.exec(text);
  if (!match) throw new HttpError('malformed', 'The answer does not begin with a status line of HTTP/1.1');
  const [, minor, code] = match;
  const status = Number(code);
  const fields = parseFields(text, statusLine.lastIndex, maxBytes);
  const framing = framingOf(status, fields);
  const connection = optionsOf(fields.connection);
  const mayKeep = minor === '1' ? !connection.includes('close') : isKept(connection);
  // A server that says that a body follows where there can be none may also send it.
  const isPlain = !hasNoBody(status) || (fields['transfer-encoding'] === undefined && isZero(fields['content-length']));
  // HTTP/1.0 has no chunks: whoever sends them there has no clear end.
  const isClear = minor === '1' || framing !== 'chunked';
  return {
    status,
    headers: fields,
    framing,
    keepsAlive: mayKeep && isPlain && isClear && framing !== 'until-close',
    keepAliveMs: keepAliveOf(fields['keep-alive']),
  };
}

function framingOf(status: number, fields: Fields): Framing {
  const { 'transfer-encoding': encoding, 'content-length': stated } = fields;
  if (encoding !== undefined) {
    if (stated !== undefined) throw new HttpError('malformed', 'The answer has a length and chunks');
    if (typeof encoding !== 'string' || encoding.toLowerCase() !== 'chunked')
      throw new HttpError('malformed', 'The answer has a Transfer-Encoding other than chunked');
    return hasNoBody(status) ? 0 : 'chunked';
  }
  if (stated === undefined) return hasNoBody(status) ? 0 : 'until-close';
  if (typeof stated !== 'string' || !length.test(stated))
    throw new HttpError('malformed', 'The answer has a Content-Length that is not one number');
  return hasNoBody(status) ? 0 : Number(stated);
}

function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

function isZero(stated: Fields[string] | undefined): boolean {
  return stated === undefined || Number(stated) === 0;
}

function isKept(connection: readonly string[]): boolean {
  return connection.includes('keep-alive') && !connection.includes('close');
}

const noOptions: readonly string[] = [];

function optionsOf(connection: Fields[string] | undefined): readonly string[] {
  if (connection === undefined) return noOptions;
  return String(connection)
    .toLowerCase()
    .split(',')
    .map((option) => option.trim());
}

function keepAliveOf(field: Fields[string] | undefined): number | undefined {
  const seconds = field === undefined ? undefined : keepAliveTimeout.exec(String(field))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
