import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { makeRequestId } from '../database/ids.ts';
import { ProxyError } from './error.ts';
import { toEnvelope } from './surfaces/openai/envelope.ts';

/**
 * Answers bytes that are not a valid request, in the OpenAI envelope, and closes the connection.
 *
 * @see https://nodejs.org/api/http.html#event-clienterror
 */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const problem = toProblem(error);
  const body = JSON.stringify(toEnvelope(problem));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${makeRequestId(Date.now())}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy(error));
}

function toProblem(error: Error & { readonly code?: string }): ProxyError {
  if (error.code === 'HPE_HEADER_OVERFLOW') return new ProxyError('headers_too_large', { cause: error });
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ProxyError('request_timeout', { cause: error });
  return new ProxyError('invalid_request', { message: 'the request is not valid HTTP', cause: error });
}
