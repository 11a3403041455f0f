import { type OpenAnswer, openAttempt } from './attempt.ts';
import { type ApiError, ChatError, makeApiError, parseJson, readProblem } from './errors.ts';
import { toCamelCase, toSnakeCase } from './names.ts';
import type { ClientSettings, RequestOptions } from './options.ts';
import { makeRetries, readRetryAfterMs, sleep } from './retries.ts';
import { makeVisitor } from './visitor.ts';

/** How many requests may be made, as the last answer said it. */
export interface RateLimit {
  readonly limit: number;
  readonly remaining: number;
  readonly resetAt: Date;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`, escaped. */
  readonly path: string;
  readonly query?: object | undefined;
  readonly body?: object | undefined;
}

/** The attempts at one request. All have the same `Idempotency-Key`. */
export interface Attempts {
  /** @returns an answer to read; an error of the API is thrown */
  next(): Promise<OpenAnswer>;
  /** Waits before the next attempt. @throws what has failed, where there is to be none */
  failed(error: unknown): Promise<void>;
}

/** Sends requests, and repeats them where that helps. */
export interface Transport {
  rateLimit(): RateLimit | undefined;
  begin(request: ApiRequest, options?: RequestOptions): Attempts;
  /** @returns the answer, with names in camel case @throws {ChatError} */
  send<T>(request: ApiRequest, options?: RequestOptions): Promise<T>;
}

/** Makes what all requests of a client share. @param unwrap takes what counts out of an answer. Absent: all of it does */
export function makeTransport(
  settings: ClientSettings,
  unwrap: (answer: unknown) => unknown = (answer) => answer,
): Transport {
  const visitor = settings.apiKey.startsWith('pk_') ? makeVisitor(settings.storage) : undefined;
  let rateLimit: RateLimit | undefined;

  /** One attempt. */
  const attempt = async (url: string, init: RequestInit, timeoutMs: number, signal: AbortSignal | undefined) => {
    const headers = new Headers(init.headers);
    const visitorToken = visitor?.token();
    if (visitorToken !== undefined) headers.set('x-visitor-token', visitorToken);
    const answer = await openAttempt(settings.fetch, url, { ...init, headers }, { timeoutMs, signal });
    const { response } = answer;
    rateLimit = readRateLimit(response.headers) ?? rateLimit;
    const newVisitor = response.headers.get('x-visitor-token');
    if (newVisitor !== null) visitor?.keep(newVisitor);
    if (response.ok) return answer;
    const error = await readError(answer);
    // It is too old, or of another key: the next request begins as a new visitor.
    if (error.details.field === 'X-Visitor-Token') visitor?.forget();
    throw error;
  };

  const begin = (request: ApiRequest, options: RequestOptions = {}): Attempts => {
    const { signal, timeoutMs = settings.timeoutMs, maxRetries = settings.maxRetries } = options;
    const url = `${settings.baseUrl}/api/v1${request.path}${toQuery(request.query)}`;
    const init = toInit(request, settings.apiKey, options.idempotencyKey);
    const retries = makeRetries({ ...settings, maxRetries, timeoutMs, random: Math.random, now: Date.now });
    return {
      next: () => attempt(url, init, timeoutMs, signal),
      async failed(error) {
        const notice = error instanceof ChatError ? retries.after(error) : undefined;
        if (!notice) throw error;
        settings.onRetry?.(notice);
        await sleep(notice.delayMs, signal);
      },
    };
  };

  return {
    rateLimit: () => rateLimit,
    begin,
    async send<T>(request: ApiRequest, options?: RequestOptions) {
      const attempts = begin(request, options);
      for (;;) {
        try {
          return toCamelCase(unwrap(await readJson(await attempts.next()))) as T;
        } catch (error) {
          await attempts.failed(error);
        }
      }
    },
  };
}

function toInit({ method, body }: ApiRequest, apiKey: string, idempotencyKey = makeKey()): RequestInit {
  return {
    method,
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(body && { 'content-type': 'application/json' }),
      ...(method === 'POST' && { 'idempotency-key': idempotencyKey }),
    },
    ...(body && { body: JSON.stringify(toSnakeCase(body)) }),
  };
}

/** `crypto.randomUUID` is not there on pages without TLS. */
function makeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function toQuery(query: object | undefined): string {
  const stated = Object.entries(toSnakeCase(query ?? {}) as object).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(stated.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

async function readJson(answer: OpenAnswer): Promise<unknown> {
  try {
    const text = await answer.response.text().catch((error: unknown) => Promise.reject(answer.explain(error)));
    return parseJson(text);
  } finally {
    answer.close();
  }
}

async function readError(answer: OpenAnswer): Promise<ApiError> {
  const { status, headers } = answer.response;
  const body = await readJson(answer).catch((error: unknown) => {
    if (error instanceof ChatError) return undefined;
    throw error;
  });
  const requestId = headers.get('x-request-id') ?? undefined;
  const problem = readProblem(body, { message: `The server answered with status ${status}`, requestId });
  return makeApiError(status, problem, {
    retryAfterMs: readRetryAfterMs(headers.get('retry-after'), Date.now()),
    isFinal: headers.get('x-should-retry') === 'false',
  });
}

function readRateLimit(headers: Headers): RateLimit | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map(
    (what) => headers.get(`x-ratelimit-${what}`) ?? headers.get(`x-rate-limit-${what}`),
  );
  if (!limit || !remaining || !reset) return undefined;
  return { limit: Number(limit), remaining: Number(remaining), resetAt: new Date(Number(reset) * 1000) };
}
