import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { type Dispatcher, request as sendRequest } from 'undici';
import { ApiError } from './api-error.ts';
import { makeConnection } from './connection.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the server's address, such as `/api/v1/secrets`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  /** Of the body; `application/json` where absent. */
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** Requests to an API server, authenticated as a kubeconfig says. */
export interface ApiClient {
  /**
   * Sends a request and reads its answer. Where the server asks to come back soon (429, or Retry-After), that is done
   * some times first; a longer wait is left to the caller.
   *
   * @throws ApiError where the server refuses; an undici error where there is no server
   */
  send<Answer>(request: ApiRequest): Promise<Answer>;
  /** Sends a request whose answer is read as it comes, for as long as it comes. */
  open(request: ApiRequest): Promise<Dispatcher.ResponseData['body']>;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface ApiClientOptions {
  readonly kubeConfig: KubeConfig;
  /** Told of every answer, and of every request without one (code `<error>`, as in client-go). */
  readonly onAnswer?: (code: string, request: ApiRequest) => void;
  /** How long an answer may keep one waiting. */
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
    const url = new URL(`${server}${path}`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    try {
      const answer = await sendRequest(url, {
        method,
        dispatcher: dispatchers[timing.dispatcher],
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

async function toApiError({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<ApiError> {
  const text = await body.text();
  const { reason = '', message = text } = parseStatus(text);
  return new ApiError(statusCode, reason, message || `HTTP ${statusCode}`, retryAfterOf(statusCode, headers));
}

/** `metav1.Status`, which a proxy in between does not speak. */
function parseStatus(text: string): { readonly reason?: string; readonly message?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** RFC 9110, section 10.2.3, in seconds only, as API servers write it; 429 means it whether it is there or not. */
function retryAfterOf(status: number, headers: Dispatcher.ResponseData['headers']): number | undefined {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds)) return seconds * 1_000;
  return status === 429 ? defaultRetryAfterMs : undefined;
}
