import { Writable } from 'node:stream';
import type { ClientResponse } from '../../calls/answer/client-response.ts';
import { ProxyError } from '../../error.ts';
import { type Body, parseObject } from '../../providers/json.ts';
import { isDone, makeEventSplitter, parseEvent } from '../../providers/sse.ts';
import { errorEvent, errorEventOf, inLane, type Lane } from './events.ts';

export interface FrameResponseOptions {
  readonly lane: Lane;
  /** Sends a message to the client. @param onRoom is called when the next one may follow */
  readonly send: (text: string, onRoom: () => void) => void;
}

/**
 * The answer to one `response.create`: what the path of calls writes as a stream of server-sent events, or as a whole
 * answer, becomes messages of the session.
 */
export class FrameResponse extends Writable implements ClientResponse {
  readonly #options: FrameResponseOptions;
  readonly #events = makeEventSplitter();
  /** What an answer that is no stream has so far. Undefined: it is a stream. */
  #whole: Buffer[] | undefined;
  #status = 0;
  /** Whether the client was told of its end otherwise, or has gone. */
  #isTold = false;

  constructor(options: FrameResponseOptions) {
    super();
    this.#options = options;
    this.on('error', () => {});
  }

  writeHead(status: number, headers: (string | string[])[]): void {
    this.#status = status;
    const at = headers.findIndex((name, index) => index % 2 === 0 && String(name).toLowerCase() === 'content-type');
    const isStream = status === 200 && /^text\/event-stream\b/i.test(String(headers[at + 1] ?? ''));
    if (!isStream) this.#whole = [];
  }

  flushHeaders(): void {}

  /** The client gets this problem, and nothing else. */
  refuse(problem: ProxyError): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#send(errorEvent(problem, this.#options.lane), () => {});
  }

  /** The client has gone. */
  leave(): void {
    this.#isTold = true;
    this.destroy();
  }

  override _write(chunk: Buffer, _: BufferEncoding, onRoom: () => void): void {
    if (this.#whole) {
      this.#whole.push(chunk);
      onRoom();
      return;
    }
    this.#sendAll(this.#events.push(chunk), onRoom);
  }

  override _final(onDone: () => void): void {
    if (this.#whole) {
      const text = Buffer.concat(this.#whole).toString('utf8');
      this.#send(this.#asEvent(parseObject(text), text), onDone);
      return;
    }
    const last = this.#events.end();
    this.#sendAll(last === undefined ? [] : [last], onDone);
  }

  override _destroy(_: Error | null, onDone: () => void): void {
    // An HTTP answer would be cut here. Sessions go on, so the client must hear of it.
    if (!this.writableFinished) this.refuse(new ProxyError('upstream_interrupted'));
    onDone();
  }

  /** Providers that know no streams of responses answer whole. */
  #asEvent(body: Body | null, text: string): object {
    const { lane } = this.#options;
    if (this.#status === 200 && body)
      return inLane(
        { type: `response.${String(body.status ?? 'completed')}`, sequence_number: 0, response: body },
        lane,
      );
    return errorEventOf(this.#status, body, text, lane);
  }

  #sendAll(events: readonly string[], onRoom: () => void): void {
    const { lane } = this.#options;
    const texts = events.flatMap((raw) => {
      const { data } = parseEvent(raw);
      if (data === '' || isDone(data)) return [];
      // What the proxy itself writes, and what came by HTTP, has no lane yet.
      const event = lane === undefined || data.includes('"stream_id"') ? null : parseObject(data);
      return [event ? JSON.stringify(inLane(event, lane)) : data];
    });
    const last = this.#isTold ? undefined : texts.pop();
    if (last === undefined) {
      onRoom();
      return;
    }
    for (const text of texts) this.#options.send(text, () => {});
    this.#options.send(last, onRoom);
  }

  #send(event: object, onRoom: () => void): void {
    this.#options.send(JSON.stringify(event), onRoom);
  }
}
