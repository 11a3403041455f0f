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
  /** The path is none below `/api/v1`. */
  readonly isAtRoot?: boolean | undefined;
  readonly query?: object | undefined;
  readonly body?: object | undefined;
  /** In place of `body`: bytes of a media type. */
  readonly upload?: Upload | undefined;
  /** Fields of the answer below which names are not the API's own. */
  readonly verbatim?: readonly string[] | undefined;
}

/** A body that is no JSON. A stream can be read once, so such a request has one attempt. */
export interface Upload {
  readonly content: UploadContent;
  readonly headers: Readonly<Record<string, string>>;
}

export type UploadContent =
  | string
  | Uint8Array<ArrayBuffer>
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

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
  /** @returns an answer that is no JSON @throws {ChatError} */
  sendForText(request: ApiRequest, options?: RequestOptions): Promise<string>;
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
    const { signal, timeoutMs = settings.timeoutMs } = options;
    const maxRetries = isOnce(request.upload) ? 0 : (options.maxRetries ?? settings.maxRetries);
    const url = `${settings.baseUrl}${request.isAtRoot ? '' : '/api/v1'}${request.path}${toQuery(request.query)}`;
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

  /** Attempts until one is answered. */
  const attemptAll = async <T>(
    request: ApiRequest,
    options: RequestOptions | undefined,
    read: (answer: OpenAnswer) => Promise<T>,
  ): Promise<T> => {
    const attempts = begin(request, options);
    for (;;) {
      try {
        return await read(await attempts.next());
      } catch (error) {
        await attempts.failed(error);
      }
    }
  };

  return {
    rateLimit: () => rateLimit,
    begin,
    send: <T>(request: ApiRequest, options?: RequestOptions) =>
      attemptAll(
        request,
        options,
        async (answer) => toCamelCase(unwrap(await readJson(answer)), request.verbatim) as T,
      ),
    sendForText: (request, options) => attemptAll(request, options, readText),
  };
}

function toInit({ method, body, upload }: ApiRequest, apiKey: string, idempotencyKey = makeKey()): RequestInit {
  return {
    method,
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(body && { 'content-type': 'application/json' }),
      ...upload?.headers,
      ...(method === 'POST' && { 'idempotency-key': idempotencyKey }),
    },
    ...(body && { body: JSON.stringify(toSnakeCase(body)) }),
    ...(upload && toBody(upload)),
  };
}

function toBody(upload: Upload): RequestInit {
  const { content } = upload;
  // Types of the platform name neither `duplex`, which streams need, nor iterables.
  return { body: content as NonNullable<RequestInit['body']>, ...(isOnce(upload) && ({ duplex: 'half' } as object)) };
}

function isOnce(upload: Upload | undefined): boolean {
  if (!upload) return false;
  const { content } = upload;
  return !(typeof content === 'string' || content instanceof Uint8Array || content instanceof Blob);
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
  return parseJson(await readText(answer));
}

async function readText(answer: OpenAnswer): Promise<string> {
  try {
    return await answer.response.text().catch((error: unknown) => Promise.reject(answer.explain(error)));
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
