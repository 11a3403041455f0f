import { WebSocket } from 'ws';
import { ProxyError } from '../error.ts';
import type { Share } from '../in-flight.ts';

/** Beyond this, the other side is not read until this side has taken more. */
const highWaterBytes = 512 * 1024;
const lowWaterBytes = 128 * 1024;

export interface LinkOptions {
  readonly socket: WebSocket;
  /** Is charged for the bytes that wait here. */
  readonly share: Share;
  /** Takes a message. Where it returns a promise, the next message waits for it. */
  readonly onText: (text: string) => void | Promise<void>;
  /** Hears once of its end. */
  readonly onClose: (code: number) => void;
  /** A message could not be taken: it is no text, too large, or there is no memory for it. */
  readonly onProblem: (problem: ProxyError) => void;
  /** Counts messages and bytes that arrive, or leave. */
  readonly onPassed: (direction: 'in' | 'out', bytes: number) => void;
}

/**
 * One side of a session: a WebSocket whose messages are taken in order, one at a time, and that is not read while
 * something holds it.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #holds = new Set<string>();
  readonly #waiting: string[] = [];
  #isTaking = false;
  #isOver = false;
  #answersPings = true;
  /** The side whose messages are sent here. */
  #source: Link | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { socket } = options;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#arrived(data, isBinary));
    socket.on('pong', () => {
      this.#answersPings = true;
    });
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code?.startsWith('WS_ERR_')) options.onProblem(problemOf(error));
      socket.terminate();
    });
    socket.on('close', (code: number) => {
      this.#isOver = true;
      options.onClose(code);
    });
  }

  /** Does not read the other side while this side takes no more. */
  slows(source: Link): void {
    this.#source = source;
  }

  /** @param onRoom is called when this side can take more: now, or when it has taken this */
  send(text: string, onRoom?: () => void): void {
    const { socket, share, onPassed } = this.#options;
    const bytes = Buffer.byteLength(text);
    if (socket.readyState !== WebSocket.OPEN || !this.#holdMemory(bytes)) {
      onRoom?.();
      return;
    }
    onPassed('out', bytes);
    socket.send(text, () => {
      share.add(-bytes);
      if (socket.bufferedAmount <= lowWaterBytes) this.#source?.release('slow');
      if (isFull) onRoom?.();
    });
    const isFull = socket.bufferedAmount > highWaterBytes;
    if (isFull) this.#source?.hold('slow');
    else onRoom?.();
  }

  /** Bytes that the socket has not taken yet. */
  unsentBytes(): number {
    return this.#options.socket.bufferedAmount;
  }

  hold(reason: string): void {
    this.#holds.add(reason);
    this.#options.socket.pause();
  }

  release(reason: string): void {
    if (!this.#holds.delete(reason) || this.#holds.size > 0) return;
    this.#options.socket.resume();
    this.#takeNext();
  }

  /** Whether it answered the last ping, or has spoken since. Sends the next one. */
  isAlive(): boolean {
    const { socket } = this.#options;
    // A side that is not read cannot answer.
    const answers = this.#answersPings || this.#holds.size > 0;
    this.#answersPings = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
    return answers;
  }

  isOpen(): boolean {
    return this.#options.socket.readyState === WebSocket.OPEN;
  }

  /** Closes it when all that was sent has left. */
  close(code: number, reason: string): void {
    this.#isOver = true;
    const { socket } = this.#options;
    // Whoever is told to go must be heard to say so.
    if (this.#holds.size > 0) {
      this.#holds.clear();
      socket.resume();
    }
    socket.close(code, Buffer.from(reason).toString('utf8', 0, 120));
  }

  terminate(): void {
    this.#isOver = true;
    this.#options.socket.terminate();
  }

  #arrived(data: Buffer, isBinary: boolean): void {
    this.#answersPings = true;
    if (this.#isOver) return;
    const { onProblem, onPassed } = this.#options;
    onPassed('in', data.length);
    if (isBinary) {
      onProblem(new ProxyError('invalid_request', { message: 'a message must be text: an event as JSON' }));
      return;
    }
    if (!this.#holdMemory(data.length)) return;
    this.#waiting.push(data.toString('utf8'));
    this.#takeNext();
  }

  /** @returns whether there is memory for it. What has begun to cost may use what is set aside for answers. */
  #holdMemory(bytes: number): boolean {
    try {
      this.#options.share.addAnswer(bytes);
      return true;
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      this.#options.onProblem(error);
      return false;
    }
  }

  #takeNext(): void {
    while (!this.#isTaking && this.#holds.size === 0) {
      const text = this.#waiting.shift();
      if (text === undefined) return;
      const { onText, share } = this.#options;
      const free = () => share.add(-Buffer.byteLength(text));
      if (this.#isOver) {
        free();
        continue;
      }
      const taking = onText(text);
      if (!taking) {
        free();
        continue;
      }
      this.#isTaking = true;
      this.#options.socket.pause();
      void taking.finally(() => {
        free();
        this.#isTaking = false;
        if (this.#holds.size === 0) this.#options.socket.resume();
        this.#takeNext();
      });
    }
  }
}

function problemOf(error: Error & { code?: string }): ProxyError {
  const isTooLarge = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
  if (isTooLarge) return new ProxyError('request_too_large', { message: 'the message is too large', cause: error });
  return new ProxyError('invalid_request', { message: 'what arrived is no WebSocket message', cause: error });
}
