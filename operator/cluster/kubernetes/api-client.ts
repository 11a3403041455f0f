import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { ApiError } from './api-error.ts';
import { makeConnection } from './connection.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The path, such as `/api/v1/secrets`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  /** Content type of the body. Absent: `application/json`. */
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** Sends requests to an API server, with the credentials of a kubeconfig. */
export interface ApiClient {
  /**
   * Sends a request and reads its answer. Where the server asks to retry soon (429, or Retry-After), it retries a few
   * times. A longer wait is left to the caller.
   *
   * @throws ApiError where the server refuses; an undici error where it cannot be reached
   */
  send<Answer>(request: ApiRequest): Promise<Answer>;
  /** Sends a request and returns the answer as a stream, without a time limit. */
  open(request: ApiRequest): Promise<Dispatcher.ResponseData['body']>;
  /** Closes all connections. */
  close(): Promise<void>;
}

export interface ApiClientOptions {
  readonly kubeConfig: KubeConfig;
  /** Called for every answer, and for every request without one (code `<error>`, as in client-go). */
  readonly onAnswer?: (code: string, request: ApiRequest) => void;
  /** How long to wait for an answer. */
  readonly requestTimeoutMs?: number;
}

const mostAttempts = 5;
const defaultRetryAfterMs = 1_000;
const longestWaitMs = 30_000;

export function makeApiClient(options: ApiClientOptions): ApiClient {
  const { kubeConfig, onAnswer = () => {}, requestTimeoutMs = 30_000 } = options;
  const connection = makeConnection(kubeConfig);

  const sendOnce = async (request: ApiRequest, timing: { dispatcher: 'short' | 'long'; bodyTimeout: number }) => {
    const { method, path, query = {}, body, signal } = request;
    const { server, headers, ...dispatchers } = await connection.authenticate();
    try {
      const answer = await dispatchers[timing.dispatcher].request({
        origin: server.origin,
        path: `${server.prefix}${path}${toQuery(query)}`,
        method,
        headersTimeout: requestTimeoutMs,
        bodyTimeout: timing.bodyTimeout,
        headers: {
          ...headers,
          accept: request.accept ?? 'application/json',
          ...(body && { 'content-type': request.contentType ?? 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
      onAnswer(String(answer.statusCode), request);
      return answer;
    } catch (error) {
      onAnswer('<error>', request);
      throw error;
    }
  };

  const sendUntilAnswered = async (request: ApiRequest, timing: Parameters<typeof sendOnce>[1]) => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await sendOnce(request, timing);
      if (answer.statusCode < 300) return answer;
      const error = await toApiError(answer);
      if (error.status === 401) connection.forget();
      const waitMs = error.status === 401 && attempt === 1 ? 0 : error.retryAfterMs;
      if (waitMs === undefined || waitMs > longestWaitMs || attempt === mostAttempts) throw error;
      await delay(waitMs * (1 + Math.random() / 4), undefined, request.signal && { signal: request.signal });
    }
  };

  return {
    async send(request) {
      const { body } = await sendUntilAnswered(request, { dispatcher: 'short', bodyTimeout: requestTimeoutMs });
      return JSON.parse(await body.text());
    },
    open: async (request) => (await sendUntilAnswered(request, { dispatcher: 'long', bodyTimeout: 0 })).body,
    close: () => connection.close(),
  };
}

function toQuery(query: NonNullable<ApiRequest['query']>): string {
  const stated = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return stated.length === 0 ? '' : `?${new URLSearchParams(stated)}`;
}

async function toApiError({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<ApiError> {
  const text = await body.text();
  const { reason = '', message = text } = parseStatus(text);
  return new ApiError(statusCode, reason, message || `HTTP ${statusCode}`, retryAfterOf(statusCode, headers));
}

/** Parses a `metav1.Status`. An answer from a load balancer in between is not one. */
function parseStatus(text: string): { readonly reason?: string; readonly message?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/**
 * Reads Retry-After (RFC 9110, section 10.2.3) in seconds, the form that API servers use. A 429 without the header asks
 * to retry, too.
 */
function retryAfterOf(status: number, headers: Dispatcher.ResponseData['headers']): number | undefined {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds)) return seconds * 1_000;
  return status === 429 ? defaultRetryAfterMs : undefined;
}
