import type { IncomingHttpHeaders } from 'node:http';
import type { OpenRequest } from '../../calls/call-request.ts';
import { clientGone } from '../../calls/client-gone.ts';
import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import type { InFlight } from '../../in-flight.ts';
import { responses } from '../../operations/responses.ts';
import type { Exchange, Sent } from '../../providers/exchange.ts';
import { ourEnd } from '../../providers/failure.ts';
import type { Body } from '../../providers/json.ts';
import type { DialOptions } from '../dial.ts';
import { contextOf } from '../governed-response.ts';
import type { Opened, SessionContext } from '../session.ts';
import { SocketSession } from '../socket-session.ts';
import { Connections } from './connections.ts';
import { errorEvent, type Lane, laneOf, steerFailed } from './events.ts';
import { FrameResponse } from './frame-response.ts';

export interface ResponsesSessionOptions {
  readonly dialling: DialOptions;
  readonly inFlight: InFlight;
  /** Headers of the opening request that calls have. */
  readonly headers: IncomingHttpHeaders;
}

/** What a session needs not send, and what no provider takes in one. */
const ofTransport = ['type', 'event_id', 'stream', 'stream_id'];

/**
 * A session of the Responses API. Each `response.create` takes the path of a call of `POST /v1/responses`, with all that
 * governs such calls; only its answer comes by the session, and the provider is asked in a session, too.
 */
export class ResponsesSession extends SocketSession {
  readonly #options: ResponsesSessionOptions;
  readonly #connections: Connections;
  /** Responses that are under way, with what was sent to the provider for them. */
  readonly #underWay = new Map<FrameResponse, Sent | undefined>();

  constructor(context: SessionContext, opened: Opened, options: ResponsesSessionOptions) {
    super(context, opened);
    this.#options = options;
    this.#connections = new Connections({
      dialling: options.dialling,
      maxMessageBytes: context.limits.messageBytes,
      attach: (dialled, handlers) => this.attach(dialled, handlers),
      detach: (link) => this.detach(link),
      isOver: () => this.isOver,
    });
  }

  async review(): Promise<void> {
    try {
      await this.#identify();
    } catch (error) {
      this.fail(error);
    }
  }

  isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  protected async admitEvent(type: string, event: Body): Promise<void> {
    if (type === 'response.create') return this.#create(event);
    await this.#identify();
    if (type === 'response.steer') {
      this.client.send(JSON.stringify(steerFailed(event)));
      return;
    }
    const message = `the event ${JSON.stringify(type.slice(0, 200))} is not served here`;
    throw new ProxyError('invalid_request', { param: 'type', message });
  }

  async #create(event: Body): Promise<void> {
    const identified = this.#asCaller(await this.#identify());
    // Nobody could hear of its end.
    if (event.background === true) {
      const message = 'background is not for sessions; use POST /v1/responses';
      throw new ProxyError('invalid_request', { param: 'background', message });
    }
    const lane = laneOf(event);
    const response = new FrameResponse({ lane, send: (text, onRoom) => this.client.send(text, onRoom) });
    const share = this.#options.inFlight.open();
    this.#underWay.set(response, undefined);
    const onEnd = () => {
      share.release();
      this.#underWay.delete(response);
      this.closeIfIdle();
    };
    const request = this.#requestOf(identified, response, lane, onEnd, share);
    try {
      // Serialised again, so that no other reader can find something else in it.
      const stated = Object.fromEntries(Object.entries(event).filter(([name]) => !ofTransport.includes(name)));
      await this.context.pipeline.run(request, Buffer.from(JSON.stringify({ ...stated, stream: true })));
    } catch (error) {
      onEnd();
      throw error;
    }
  }

  #requestOf(
    identified: Identified,
    response: FrameResponse,
    lane: Lane,
    onEnd: () => void,
    share: Opened['share'],
  ): OpenRequest {
    const context = contextOf(identified, share, undefined);
    const { requestId } = context;
    const speak = this.#connections.speak(lane);
    return {
      ...{ context, operation: responses, headers: this.#options.headers, response, onEnd },
      // The session has no headers for single answers.
      responseHeaders: () => ({}),
      refuse: (problem, caller) => {
        this.opened.onRefused(problem, requestId, caller);
        response.refuse(problem);
      },
      onBlocked: (problem, caller) => this.opened.onBlocked(problem, requestId, caller),
      speak: (overHttp) => this.#noting(response, speak(overHttp)),
    };
  }

  /** Notes what is sent for a response, so that it can be ended. */
  #noting(response: FrameResponse, exchange: Exchange): Exchange {
    return (request, sink) => {
      const sent = exchange(request, sink);
      if (this.#underWay.has(response)) this.#underWay.set(response, sent);
      return sent;
    };
  }

  /** Where the client named no session, each response may have one from its body, as by POST. */
  #asCaller(identified: Identified): Identified {
    const { sessionFrom } = this.opened.first.caller;
    return { ...identified, caller: { ...identified.caller, sessionFrom } };
  }

  #identify(): Promise<Identified> {
    return this.identify(responses, undefined);
  }

  protected errorEvent(problem: ProxyError, event: Body | undefined): object {
    return errorEvent(problem, laneOf(event));
  }

  /** The provider can cancel nothing: what is under way is read, as after a client of HTTP that has gone. */
  protected cancelAll(): void {
    for (const response of this.#underWay.keys()) response.leave();
  }

  protected settleAll(status: 'failed' | 'cancelled' | 'interrupted'): void {
    const reason = status === 'interrupted' ? ourEnd : clientGone;
    for (const sent of [...this.#underWay.values()]) sent?.abort(reason);
  }

  protected async withdrawAll(): Promise<void> {}
}
