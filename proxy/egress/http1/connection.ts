import type { Socket } from 'node:net';
import { AnswerParser, type Parsed } from './answer-parser.ts';
import type { Connect } from './connect.ts';
import { HttpError } from './http-error.ts';
import type { Carrier, Request } from './request.ts';

/** How long an idle connection is kept, unless the server says otherwise. */
const usualKeepAliveMs = 4_000;
/** A server's own limit is undercut by this much, so that it does not close a connection while a request is under way. */
const keepAliveMarginMs = 2_000;
const maxKeepAliveMs = 600_000;
const connectTimeoutMs = 10_000;

export interface ConnectionOptions {
  readonly connect: Connect;
  /** All connections read into it, one at a time: what it brings is used or copied at once. */
  readonly readBuffer: Buffer;
  readonly maxHeadBytes: number;
  /** A request has its answer, and the connection can take another one. */
  readonly onFree: (connection: Connection) => void;
  readonly onClose: (connection: Connection) => void;
}

/** One connection to a server. It carries one request at a time. */
export class Connection implements Carrier {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  #request: Request | undefined;
  #parser: AnswerParser;
  #isConnected = false;
  #isClosed = false;
  /** Whether the server keeps it after this answer. */
  #isKept = false;
  #keepAliveMs = usualKeepAliveMs;
  /** Whether the whole answer is here, and waits for its paused reader. */
  #endWaits = false;
  /** By `performance.now()`. Infinity: there is no limit at present. */
  #deadlineMs = performance.now() + connectTimeoutMs;

  /** @param request the one for which it is opened, which is sent as soon as it is connected */
  constructor(options: ConnectionOptions, request: Request, isSecure: boolean) {
    this.#options = options;
    this.#request = request;
    this.#parser = new AnswerParser(options.maxHeadBytes);
    const buffer = options.readBuffer;
    this.#socket = options
      .connect({ buffer, callback: (length) => this.#read(buffer.subarray(0, length)) })
      .once(isSecure ? 'secureConnect' : 'connect', () => this.#onConnect())
      .on('end', () => this.#onEnd())
      .on('error', (error) => this.#lose(error))
      .once('close', () => this.#lose(new HttpError('socket', 'The connection was closed')));
  }

  isOpen(): boolean {
    return !this.#isClosed;
  }

  /** Sends a request on a connection that is free. */
  send(request: Request): void {
    this.#request = request;
    this.#parser = new AnswerParser(this.#options.maxHeadBytes);
    this.#write(request);
  }

  /** Ends it where it has waited for too long. */
  checkDeadline(nowMs: number): void {
    if (nowMs < this.#deadlineMs || this.#request?.paused) return;
    this.close(this.#timeoutError());
  }

  /** Ends it; its request, if any, fails with this error. */
  close(error: Error): void {
    const request = this.#request;
    this.#request = undefined;
    this.#leave();
    request?.fail(error);
  }

  resume(): void {
    const request = this.#request;
    if (!request) return;
    this.#limit(request.bodyTimeoutMs);
    this.#socket.resume();
    if (this.#endWaits) this.#complete(request);
  }

  abandon(): void {
    this.close(new HttpError('socket', 'The request was aborted'));
  }

  #timeoutError(): HttpError {
    if (!this.#isConnected) return new HttpError('connectTimeout', 'No connection was made in time');
    if (!this.#request) return new HttpError('socket', 'The connection was idle for too long');
    return this.#parser.hasHead()
      ? new HttpError('bodyTimeout', 'The answer did not go on in time')
      : new HttpError('headersTimeout', 'The answer did not begin in time');
  }

  #onConnect(): void {
    this.#isConnected = true;
    const request = this.#request;
    if (!request || request.isOver()) this.close(new HttpError('socket', 'Nobody needs the connection any more'));
    else this.#write(request);
  }

  #write(request: Request): void {
    if (!request.start(this)) {
      // Nothing was written, so it is as free as before.
      this.#release();
      return;
    }
    this.#endWaits = false;
    this.#limit(request.headersTimeoutMs);
    const bytes = request.take();
    const socket = this.#socket;
    if (typeof bytes === 'string') socket.write(bytes, 'latin1');
    else {
      socket.cork();
      for (const piece of bytes) socket.write(piece);
      socket.uncork();
    }
    request.sent();
  }

  /** @returns whether more may be read */
  #read(bytes: Buffer): boolean {
    const request = this.#request;
    if (!request || !this.#isConnected || this.#endWaits) {
      this.close(new HttpError('socket', 'The server sent what nobody had asked for'));
      return false;
    }
    const parser = this.#parser;
    const parsed = parser.feed(bytes);
    if (parser.hasHead()) this.#limit(request.bodyTimeoutMs);
    else if (parsed.isInterim) this.#limit(request.headersTimeoutMs);
    this.#pass(request, parsed);
    return !request.paused;
  }

  #pass(request: Request, { head, data, isComplete, problem }: Parsed): void {
    if (head) {
      this.#isKept = head.keepsAlive;
      this.#keepAliveMs = keptFor(head.keepAliveMs);
      request.head(head.status, head.headers);
    }
    if (data) request.data(data);
    // It may have been aborted meanwhile.
    if (this.#isClosed) return;
    if (problem) this.close(problem);
    else if (isComplete) this.#complete(request);
  }

  /** The whole answer is here. */
  #complete(request: Request): void {
    this.#endWaits = request.paused;
    if (this.#endWaits) return;
    const isFree =
      !this.#isClosed &&
      this.#isKept &&
      this.#keepAliveMs > 0 &&
      !this.#parser.hasSurplus() &&
      this.#socket.writableLength === 0;
    this.#request = undefined;
    if (isFree) this.#release();
    else this.close(new HttpError('socket', 'The connection is not used again'));
    request.end();
  }

  #release(): void {
    this.#request = undefined;
    this.#limit(this.#keepAliveMs);
    this.#options.onFree(this);
  }

  #onEnd(): void {
    const request = this.#request;
    if (request && this.#parser.endsWithConnection()) {
      this.#isKept = false;
      this.#complete(request);
    } else this.#lose(new HttpError('socket', 'The server has closed the connection'));
  }

  /** The connection has ended by itself. */
  #lose(error: Error): void {
    // What waits for a paused reader is not lost with it.
    if (this.#endWaits) this.#leave();
    else this.close(this.#isConnected ? error : toConnectError(error));
  }

  #leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.#options.onClose(this);
    this.#socket.destroy();
  }

  #limit(timeoutMs: number): void {
    this.#deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  }
}

function keptFor(statedMs: number | undefined): number {
  return statedMs === undefined ? usualKeepAliveMs : Math.min(statedMs - keepAliveMarginMs, maxKeepAliveMs);
}

/** Where one of several addresses has not answered in time, Node reports all of their errors together. */
function toConnectError(error: Error): Error {
  const failures = error instanceof AggregateError ? [error, ...error.errors] : [];
  const isLate = failures.some(
    (failure) => failure instanceof Error && 'code' in failure && failure.code === 'ETIMEDOUT',
  );
  return isLate ? new HttpError('connectTimeout', 'No connection was made in time', { cause: error }) : error;
}
