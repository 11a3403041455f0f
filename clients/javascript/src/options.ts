import { ConfigurationError } from './errors.ts';
import type { RetryNotice, RetryPolicy } from './retries.ts';

/** What a client is made of. */
export interface ChatClientOptions {
  /** A secret key (`sk_…`), a token, or in web pages a public key (`pk_…`). */
  readonly apiKey: string;
  /**
   * Whose address to use where there is no `baseUrl`: that of the environment variable `CHAPERONE_BASE_URL_<NAME>` (such as
   * `CHAPERONE_BASE_URL_STAGING`), else that of `CHAPERONE_BASE_URL`; for `local`, else `http://127.0.0.1:8000`. `production`
   * if absent.
   */
  readonly environment?: string | undefined;
  /** Where Chaperone is, without `/api/v1`, such as `https://support.example.com`. Web pages need it. */
  readonly baseUrl?: string | undefined;
  /** How long an attempt may take, and a stream be silent. 60,000 ms if absent. */
  readonly timeoutMs?: number | undefined;
  /** Attempts after the first. 3 if absent. */
  readonly maxRetries?: number | undefined;
  /** The longest wait before an attempt; a longer `Retry-After` is thrown at once. 60,000 ms if absent. */
  readonly maxRetryDelayMs?: number | undefined;
  /** Hears of each attempt that is repeated. What it throws ends the request. */
  readonly onRetry?: ((retry: RetryNotice) => void) | undefined;
  /**
   * Where a page keeps who its visitor is, with a public key: `localStorage`, or anything like it. Without it the visitor
   * is a new one after each reload.
   */
  readonly storage?: VisitorStorage | undefined;
  /** Used in place of the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The part of `localStorage` that a client needs. */
export interface VisitorStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** Of a single request. */
export interface RequestOptions {
  /** Ends the request, its waits and its stream. Its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxRetries?: number | undefined;
  /** Of a POST: the same key with the same request runs once within a day. A random one if absent. */
  readonly idempotencyKey?: string | undefined;
}

/** Checked options. */
export interface ClientSettings extends RetryPolicy {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly onRetry: ((retry: RetryNotice) => void) | undefined;
  readonly storage: VisitorStorage | undefined;
  readonly fetch: typeof globalThis.fetch;
}

/** @throws {ConfigurationError} */
export function checkOptions(options: ChatClientOptions): ClientSettings {
  const { apiKey, onRetry, storage } = options;
  if (typeof apiKey !== 'string' || !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ConfigurationError('apiKey must be a key or a token, without spaces');
  }
  return {
    ...{ apiKey, onRetry, storage },
    baseUrl: readBaseUrl(options),
    timeoutMs: readNumber('timeoutMs', options.timeoutMs, 60_000),
    maxRetries: readNumber('maxRetries', options.maxRetries, 3),
    maxRetryDelayMs: readNumber('maxRetryDelayMs', options.maxRetryDelayMs, 60_000),
    // Browsers want it called as a function of the window.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
  };
}

function readNumber(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (!Number.isFinite(value) || value < 0) throw new ConfigurationError(`${name} must be a number of at least 0`);
  return value;
}

function readBaseUrl({ baseUrl, environment = 'production' }: ChatClientOptions): string {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  const variable = `CHAPERONE_BASE_URL_${environment.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
  const { [variable]: ofEnvironment, CHAPERONE_BASE_URL: ofAll } = process?.env ?? {};
  const local = environment === 'local' ? 'http://127.0.0.1:8000' : undefined;
  const stated = baseUrl ?? ofEnvironment ?? ofAll ?? local;
  if (stated === undefined) {
    throw new ConfigurationError(
      `baseUrl is needed, or ${variable} or CHAPERONE_BASE_URL in the process's environment`,
    );
  }
  const url = URL.canParse(stated) ? new URL(stated) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ConfigurationError('baseUrl must be an address that begins with http:// or https://');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
