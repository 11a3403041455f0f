import { maxHeaderSize } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ConnectionRequest } from '../../providers/connections.ts';
import { makeConnect } from './connect.ts';
import { HttpError } from './http-error.ts';
import { OriginConnections, type OriginOptions } from './origin-connections.ts';
import { Request } from './request.ts';
import { makeRequestBytes, makeRequestHead } from './request-bytes.ts';

/** A request whose body is there. */
export type WholeRequest = Omit<ConnectionRequest, 'body'> & { readonly body: Buffer | string | null };

/** Of each read. Larger answers come in several. */
const readBytes = 64 * 1024;
const tickMs = 250;

/**
 * An HTTP/1.1 client for requests whose body is there. A request is one write, and an answer is parsed from the buffer
 * that all connections share. It has no limit of connections: each request under way has one, and what limits requests
 * limits connections.
 */
export class Http1Client {
  readonly #origins = new Map<string, OriginConnections>();
  readonly #options: OriginOptions = { readBuffer: Buffer.allocUnsafeSlow(readBytes), maxHeadBytes: maxHeaderSize };
  #isDestroyed = false;
  #ticks: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;

  /** Sends a request. The handler hears of every failure, also where the request cannot be sent. */
  send({ method, origin, path, headers, body, ...times }: WholeRequest, handler: Dispatcher.DispatchHandler): void {
    const request = new Request(times.headersTimeout, times.bodyTimeout, handler);
    try {
      if (this.#isDestroyed) throw new HttpError('destroyed', 'The client is closed');
      const connections = this.#connectionsTo(origin);
      request.give(makeRequestBytes(makeRequestHead(method, path, connections.host, headers), body));
      connections.send(request, times.isTurnEnd);
      this.#tick();
    } catch (error) {
      const failure = error instanceof Error ? error : new Error('The request cannot be sent', { cause: error });
      // The sender may need what this call returns.
      queueMicrotask(() => request.fail(failure));
    }
  }

  /** Ends all connections; requests under way fail. */
  destroy(): void {
    this.#isDestroyed = true;
    clearInterval(this.#ticks);
    const error = new HttpError('destroyed', 'The client is closed');
    for (const connections of this.#origins.values()) connections.close(error);
  }

  #connectionsTo(origin: string): OriginConnections {
    const known = this.#origins.get(origin);
    if (known) return known;
    const url = new URL(origin);
    const made = new OriginConnections(url, makeConnect(url), this.#options);
    this.#origins.set(origin, made);
    return made;
  }

  /** Watches deadlines as long as there are connections. */
  #tick(): void {
    if (this.#ticks) return;
    this.#tickedAtMs = performance.now();
    this.#ticks = setInterval(() => this.#checkDeadlines(), tickMs).unref();
  }

  #checkDeadlines(): void {
    const nowMs = performance.now();
    const isLate = nowMs - this.#tickedAtMs > 2 * tickMs;
    this.#tickedAtMs = nowMs;
    // Something has held up the event loop, so what has arrived in time is not read yet.
    if (isLate) return;
    let open = 0;
    for (const connections of this.#origins.values()) open += connections.checkDeadlines(nowMs);
    if (open > 0) return;
    clearInterval(this.#ticks);
    this.#ticks = undefined;
  }
}
