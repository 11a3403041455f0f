import type { ApiClient, ApiRequest } from './api-client.ts';
import { ApiError } from './api-error.ts';
import type { ApiObject } from './api-object.ts';

/** A line of a watch. A bookmark's object has only a resource version. */
export interface WatchEvent<O extends ApiObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: O;
}

interface ErrorEvent {
  readonly type: 'ERROR';
  readonly object: {
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly details?: { readonly retryAfterSeconds?: number };
  };
}

export interface WatchOptions {
  readonly request: ApiRequest;
  /** The watch is given up when it has been silent for this long, without even a bookmark. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Yields the events of a watch until the server ends it.
 *
 * @throws ApiError for an ERROR event; an Error where the connection broke or fell silent
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export async function* watch<O extends ApiObject>(
  client: ApiClient,
  { request, silenceMs, signal }: WatchOptions,
): AsyncGenerator<WatchEvent<O>> {
  const silence = new AbortController();
  const giveUp = () => silence.abort(new Error(`The watch was silent for ${silenceMs} ms`));
  const timer = setTimeout(giveUp, silenceMs);
  try {
    const body = await client.open({ ...request, signal: AbortSignal.any([signal, silence.signal]) });
    for await (const line of readLines(body)) {
      timer.refresh();
      const event: WatchEvent<O> | ErrorEvent = JSON.parse(line);
      if (event.type === 'ERROR') throw toApiError(event);
      yield event;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Yields the lines of a text stream. A last line without a line break is incomplete, and is dropped. */
export async function* readLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

function toApiError({ object }: ErrorEvent): ApiError {
  const { code = 500, reason = '', message = 'The watch ended with an error', details } = object;
  const retryAfterMs = details?.retryAfterSeconds && details.retryAfterSeconds * 1_000;
  return new ApiError(code, reason, message, retryAfterMs || undefined);
}
