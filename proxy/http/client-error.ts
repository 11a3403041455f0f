import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ProxyError } from '../error.ts';
import type { RatesOf } from './rates/request-rates.ts';
import { makeRequestId } from './request-id.ts';
import type { Surface } from './surface.ts';

/** As node:http gives it. `rawPacket` has the request line where the head could not be parsed. */
export interface ClientError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

/**
 * Makes the function that answers bytes that are not a valid request, and closes the connection.
 *
 * @param surfaceAt the surface for a request's URL
 * @param rates tells a client of a surface that counts requests how many its address has
 * @see https://nodejs.org/api/http.html#event-clienterror
 */
export function makeClientErrorAnswer(
  surfaceAt: (url: string) => Pick<Surface<never>, 'envelope' | 'countsRequests'>,
  rates: RatesOf,
) {
  return (error: ClientError, socket: Pick<Socket, 'writable' | 'destroy' | 'end' | 'remoteAddress'>): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy(error);
      return;
    }
    const problem = toProblem(error);
    const requestId = makeRequestId(Date.now());
    const { envelope, countsRequests } = surfaceAt(urlOf(error));
    const body = JSON.stringify(envelope.show(problem, requestId));
    const rate = countsRequests ? rates(countsRequests).headersFor({ socket, headers: {} }) : {};
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      ...Object.entries(rate).map(([name, value]) => `${name}: ${value}`),
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy(error));
  };
}

function toProblem(error: ClientError): ProxyError {
  if (error.code === 'HPE_HEADER_OVERFLOW') return new ProxyError('headers_too_large', { cause: error });
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ProxyError('request_timeout', { cause: error });
  return new ProxyError('invalid_request', { message: 'the request is not valid HTTP', cause: error });
}

/** The URL in the request line. Empty where the bytes have none. */
function urlOf({ rawPacket }: ClientError): string {
  const beginning = rawPacket?.subarray(0, 2_048).toString('latin1') ?? '';
  return /^[A-Z]+ (\/\S*)/.exec(beginning)?.[1] ?? '';
}
