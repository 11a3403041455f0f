import { ChatConnectionError, ChatError, ChatTimeoutError, ConfigurationError, parseJson } from '../errors.ts';
import { toCamelCase } from '../names.ts';
import type { ClientSettings } from '../options.ts';
import { makeRetries, sleep } from '../retries.ts';

/** What waits for reviewers. */
export interface QueueDepth {
  readonly queued: number;
  readonly inReview: number;
  readonly oldestAt: string | null;
}

/** How the proxy fares that the session is at. */
export interface SystemStatus {
  readonly status: 'ok' | 'degraded';
  readonly organization: string;
  readonly database: 'ok' | 'away';
  readonly configurationAgeSeconds: number | null;
  readonly recordsWaiting: number;
  readonly oldestRecordSeconds: number;
  readonly callsPerMinute: number;
  readonly failedShare: number | null;
  readonly averageResponseSeconds: number | null;
  readonly queue: QueueDepth | null;
  readonly watching: number;
  readonly uptimeSeconds: number;
}

export interface QueueUpdate {
  /** Such as `queued`, `claimed`, `released` and `decided`. */
  readonly action: string;
  readonly itemId: string;
  readonly status: string;
  readonly category: string;
  readonly priority: number;
  readonly queue?: QueueDepth;
}

/** Of a text of a very unhappy customer. It has no word of it. */
export interface SentimentAlert {
  readonly requestId: string | null;
  /** Of a batch: the id that you have given. */
  readonly textId: string | null;
  readonly sentiment: string;
  readonly positive: number;
  readonly negative: number;
  readonly neutral: number;
  readonly method: 'vader' | 'ai';
}

export type LiveEvent =
  /** A session has begun. What happened before it is not told: read the queue now. */
  | { readonly type: 'connected' }
  | { readonly type: 'system_status'; readonly data: SystemStatus; readonly timestamp: string }
  | { readonly type: 'queue_update'; readonly data: QueueUpdate; readonly timestamp: string }
  | { readonly type: 'sentiment_alert'; readonly data: SentimentAlert; readonly timestamp: string };

export interface WatchOptions {
  /** Ends the session. Its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** For platforms without one, such as Node 20: that of the package `ws`. */
  readonly WebSocket?: typeof globalThis.WebSocket | undefined;
}

interface Watched extends WatchOptions {
  readonly settings: ClientSettings;
  /** Asks by HTTP why there is no session. @throws {ApiError} what the server says */
  readonly explain: () => Promise<unknown>;
}

/** The server tells its status every 15 seconds. */
const longestSilenceMs = 45_000;
/** A reader that has so many events to read yet is too slow. */
const mostWaiting = 10_000;
/** The session is not permitted any more. */
const forbidden = 1008;

/**
 * Tells what happens. A session that ends is begun anew, unless the server forbids it. Leaving the loop ends it.
 *
 * @throws {ChatError} the server's code, where the caller may not watch any more
 */
export async function* watchLive({ settings, explain, signal, ...options }: Watched): AsyncGenerator<LiveEvent, never> {
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  if (!Socket) throw new ConfigurationError('There is no WebSocket here: state the class WebSocket');
  const begin = () => makeRetries({ ...settings, random: Math.random, now: Date.now });
  let retries = begin();
  for (;;) {
    const session = openSession(new Socket(addressOf(settings)), settings.timeoutMs, signal);
    try {
      for await (const event of session.events) {
        if (event.type === 'connected') retries = begin();
        yield event;
      }
    } catch (error) {
      const cause = error instanceof ChatConnectionError && !session.wasOpen() ? await reasonOf(error, explain) : error;
      const notice = cause instanceof ChatError ? retries.after(cause) : undefined;
      if (!notice) throw cause;
      settings.onRetry?.(notice);
      await sleep(notice.delayMs, signal);
    }
  }
}

/** Browsers cannot set headers of a WebSocket, so the token is in the address. */
function addressOf({ baseUrl, apiKey }: ClientSettings): string {
  return `${baseUrl.replace(/^http/, 'ws')}/websocket?token=${encodeURIComponent(apiKey)}`;
}

/** A WebSocket does not tell why it was refused. */
async function reasonOf(error: ChatConnectionError, explain: Watched['explain']): Promise<unknown> {
  const told = await explain().catch((problem: unknown) => problem);
  return told instanceof ChatError && told.code !== 'websocket_required' ? told : error;
}

interface LiveSession {
  /** They end where the session was over in good order. */
  readonly events: AsyncGenerator<LiveEvent>;
  wasOpen(): boolean;
}

function openSession(socket: WebSocket, timeoutMs: number, signal: AbortSignal | undefined): LiveSession {
  const waiting: LiveEvent[] = [];
  let wake = () => {};
  let isOpen = false;
  let end: { readonly error?: unknown } | undefined;
  const finish = (error?: unknown) => {
    end ??= error === undefined ? {} : { error };
    wake();
  };
  const timer = setTimeout(() => finish(new ChatTimeoutError(timeoutMs)), timeoutMs);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(silence);
    silence = setTimeout(() => finish(new ChatTimeoutError(longestSilenceMs)), longestSilenceMs);
  };
  const take = (event: LiveEvent) => {
    waiting.push(event);
    if (waiting.length > mostWaiting) finish(new ChatError('reader_too_slow', 'The loop is slower than the events'));
    wake();
  };
  socket.onopen = () => {
    isOpen = true;
    clearTimeout(timer);
    alive();
    take({ type: 'connected' });
  };
  socket.onmessage = ({ data }) => {
    alive();
    try {
      const event = readEvent(String(data));
      if (event) take(event);
    } catch (error) {
      finish(error);
    }
  };
  socket.onclose = ({ code, reason }) => finish(errorOfClose(code, reason));
  const abort = () => finish(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  async function* read(): AsyncGenerator<LiveEvent> {
    try {
      for (;;) {
        for (let event = waiting.shift(); event; event = waiting.shift()) yield event;
        if (end) {
          if ('error' in end) throw end.error;
          return;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      clearTimeout(silence);
      signal?.removeEventListener('abort', abort);
      socket.close();
    }
  }
  return { events: read(), wasOpen: () => isOpen };
}

/** Undefined: the session is over in good order. */
function errorOfClose(code: number, reason: string): ChatError | undefined {
  if (code === 1000) return undefined;
  if (code === forbidden) return new ChatError(reason || 'session_ended', 'The server has ended the session for good');
  return new ChatConnectionError('The server cannot be reached, or the session broke');
}

/** Undefined: an event of a later version. */
function readEvent(text: string): LiveEvent | undefined {
  const told = parseJson(text) as { event: LiveEvent['type']; data: unknown; timestamp: string };
  if (!['system_status', 'queue_update', 'sentiment_alert'].includes(told.event)) return undefined;
  return { type: told.event, data: toCamelCase(told.data), timestamp: told.timestamp } as LiveEvent;
}
