import type { IncomingHttpHeaders } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ProxyError } from '../../error.ts';
import { forwardableHeaders } from '../../providers/answer-headers.ts';
import { decodeBody } from '../../providers/content-encoding.ts';
import { toProblem } from '../../providers/failure.ts';
import { asString } from '../../providers/json.ts';
import { makeRedactingStream, withoutSecret } from '../../providers/redact.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import { answerFactor, type Share } from '../receive/in-flight.ts';
import { isPacked } from '../receive/receive-body.ts';

/** A request for something that is kept at the provider. */
export interface Relay {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the provider's base URL, with its query. */
  readonly path: string;
  readonly key: RoutedKey;
  /** What of the client's headers is meant for the provider. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | Buffer | string | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface RelayedAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  /** The bytes as they come. To be read to its end or destroyed. */
  readonly body: Readable;
}

/** Gives up a body that nobody reads. Left to itself, undici makes an error of that which would end the process. */
export function discard(body: Readable): void {
  body.on('error', () => {}).destroy();
}

/** An answer that is read as a whole: what tells of one thing is not larger. */
const maxWholeBytes = 256 * 1024 * 1024;

/**
 * Sends a request to the provider with the key that its subject is known under.
 *
 * @returns the answer, errors of the provider's included
 * @throws {ProxyError} `upstream_unreachable`, `upstream_timeout` or `upstream_invalid_response`
 */
export async function relay(upstream: Dispatcher, request: Relay): Promise<RelayedAnswer> {
  const { key, method, body, signal } = request;
  try {
    const answer = await upstream.request({
      method,
      origin: key.provider.origin,
      path: key.provider.basePath + request.path,
      headers: { ...request.headers, 'accept-encoding': 'identity', authorization: `Bearer ${key.secret}` },
      body: body ?? null,
      headersTimeout: key.provider.headersTimeoutMs,
      bodyTimeout: key.provider.idleTimeoutMs,
      signal,
    });
    if (answer.statusCode >= 300 && answer.statusCode < 400) {
      discard(answer.body);
      throw new ProxyError('upstream_invalid_response');
    }
    return readable(answer, key.secret);
  } catch (error) {
    if (error instanceof ProxyError || !(error instanceof Error)) throw error;
    throw toProblem(error, false);
  }
}

/** The answer in the form in which it goes on: unpacked, and without the provider key, should it quote that. */
function readable({ statusCode, headers, body }: Dispatcher.ResponseData, secret: string): RelayedAnswer {
  const forwarded = forwardableHeaders(headers, secret);
  const decoded = decodeBody(body, asString(headers['content-encoding']) ?? undefined);
  if (decoded !== body) delete forwarded['content-encoding'];
  const redacted = makeRedactingStream(secret);
  // The one that fails first ends all of them, and tells why.
  pipeline(decoded, redacted, () => {});
  return { status: statusCode, headers: forwarded, body: redacted };
}

/** An answer as it comes. @throws {ProxyError} `upstream_interrupted`, `upstream_timeout` or `upstream_invalid_response` */
export async function* chunksOf({ body }: RelayedAnswer): AsyncGenerator<Buffer, void> {
  try {
    yield* body;
  } catch (error) {
    if (error instanceof ProxyError || !(error instanceof Error)) throw error;
    throw toProblem(error, true);
  }
}

/**
 * The whole of an answer, without the provider key, should it quote that.
 *
 * @param share takes what it holds of memory
 * @throws {ProxyError} `upstream_interrupted` or `upstream_invalid_response`; `overloaded`
 */
export async function readWhole(
  answer: RelayedAnswer,
  secret: string,
  share: Pick<Share, 'addAnswer'>,
  maxBytes = maxWholeBytes,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf(answer)) {
    length += chunk.length;
    if (length > maxBytes) throw new ProxyError('upstream_invalid_response');
    share.addAnswer(chunk.length * answerFactor);
    chunks.push(chunk);
  }
  return withoutSecret(Buffer.concat(chunks), secret);
}

/** The headers that describe a body, for one that goes on as it came. */
export function bodyHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const described: Record<string, string> = {};
  for (const name of ['content-type', 'content-length'] as const) {
    const value = headers[name];
    // What is compressed goes on unpacked.
    if (name === 'content-length' && isPacked(headers)) continue;
    if (value !== undefined) described[name] = value;
  }
  return described;
}
