import { ChatConnectionError, ChatTimeoutError } from './errors.ts';

/** An answer whose headers have arrived. */
export interface OpenAnswer {
  readonly response: Response;
  /** Waits for the server's next word no longer than the timeout. */
  alive(): void;
  /** What is to be thrown in place of what has gone wrong with the body. */
  explain(error: unknown): unknown;
  /** Ends the connection, unless the body is at its end. */
  close(): void;
}

/** A timer of more runs out at once. */
const longestTimerMs = 2 ** 31 - 1;

interface AttemptOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes one request.
 *
 * @returns the answer, when its headers have arrived; its reader closes it
 * @throws {ChatConnectionError | ChatTimeoutError} or the reason of the signal
 */
export async function openAttempt(
  send: typeof globalThis.fetch,
  url: string,
  init: RequestInit,
  { timeoutMs, signal }: AttemptOptions,
): Promise<OpenAnswer> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  const stop = () => controller.abort(new ChatTimeoutError(timeoutMs));
  signal?.addEventListener('abort', abort, { once: true });
  let timer = setTimeout(stop, Math.min(timeoutMs, longestTimerMs));
  const close = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    controller.abort();
  };
  const explain = (error: unknown) =>
    controller.signal.aborted
      ? controller.signal.reason
      : new ChatConnectionError('The server cannot be reached, or the connection broke', { cause: error });
  try {
    const response = await send(url, { ...init, signal: controller.signal });
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(stop, Math.min(timeoutMs, longestTimerMs));
    };
    return { response, alive, explain, close };
  } catch (error) {
    const explained = explain(error);
    close();
    throw explained;
  }
}
