import { ProxyError } from '../../error.ts';
import type { AnswerSink } from '../../providers/answer-sink.ts';
import type { Exchange, ProviderRequest, Sent } from '../../providers/exchange.ts';
import { ourEnd, toProblem } from '../../providers/failure.ts';
import { asObject, type Body, parseExactly } from '../../providers/json.ts';
import { responses } from '../../providers/openai/responses.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import { type Dialled, type DialOptions, dial, UpgradeRefused } from '../dial.ts';
import type { Link } from '../link.ts';
import type { ProviderHandlers } from '../socket-session.ts';
import { Connection } from './connection.ts';
import type { Lane } from './events.ts';
import { SocketAnswer } from './socket-answer.ts';

export interface ConnectionsOptions {
  readonly dialling: DialOptions;
  readonly maxMessageBytes: number;
  readonly attach: (dialled: Dialled, handlers: ProviderHandlers) => Link;
  readonly detach: (link: Link) => void;
  /** Whether the session is over, so that nothing may be asked any more. */
  readonly isOver: () => boolean;
}

/** These say nothing about WebSockets: the same would be answered to a call by HTTP. */
const aboutTheCall: ReadonlySet<number> = new Set([401, 402, 403, 408, 429]);

/** The connections of a session with providers: one for each key, opened when it is first needed. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<string, { readonly connection: Connection; readonly isOpen: Promise<unknown> }>();
  readonly #links = new Map<Connection, Link>();
  /** Providers that do not open WebSockets, by name: they are asked by HTTP. */
  readonly #withoutSockets = new Set<string>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Makes the way in which the responses of a lane are asked for. */
  speak(lane: Lane): (overHttp: Exchange) => Exchange {
    return (overHttp) => (request, sink) => {
      const { provider } = request.key;
      // Another API of the provider, into which the call is translated, has no sessions.
      if (request.path !== responses.path || this.#withoutSockets.has(provider.name)) return overHttp(request, sink);
      return this.#ask(request, sink, lane, overHttp);
    };
  }

  #ask(request: ProviderRequest, sink: AnswerSink, lane: Lane, overHttp: Exchange): Sent {
    const { key } = request;
    const answer = new SocketAnswer({ sink, timeouts: key.provider });
    const sent = new Replaceable(answer);
    const { connection, isOpen } = this.#connect(request);
    isOpen.then(
      () => {
        if (answer.isOver()) return;
        if (this.#options.isOver()) answer.fail(toProblem(ourEnd, false), true);
        else connection.ask(bodyOf(request), lane, answer);
      },
      (error) => {
        if (answer.isOver()) return;
        if (!(error instanceof UpgradeRefused)) {
          const problem = error instanceof ProxyError ? error : new ProxyError('internal_error', { cause: error });
          answer.fail(problem, true);
        } else if (error.status < 500 && !aboutTheCall.has(error.status)) {
          this.#withoutSockets.add(key.provider.name);
          sent.replace(overHttp({ ...request, isTurnEnd: false }, sink));
        } else {
          const { status, headers, body } = error;
          const retryAfter = headers['retry-after'];
          const type = headers['content-type'] ?? 'application/json';
          answer.answered(status, { 'content-type': type, ...(retryAfter && { 'retry-after': retryAfter }) }, body);
        }
      },
    );
    return sent;
  }

  #connect(request: ProviderRequest): { readonly connection: Connection; readonly isOpen: Promise<unknown> } {
    const { key } = request;
    const known = this.#open.get(key.id);
    if (known?.connection.serves(key)) return known;
    const connection: Connection = new Connection({ key, onIdleEnd: (ended) => this.#end(key, ended) });
    const isOpen = this.#dial(request, connection);
    const made = { connection, isOpen };
    this.#open.set(key.id, made);
    isOpen.catch(() => this.#forget(key, connection));
    return made;
  }

  async #dial({ key, path, model, headers }: ProviderRequest, connection: Connection): Promise<void> {
    const { dialling, maxMessageBytes, attach } = this.#options;
    const { 'content-type': _, accept: __, ...passed } = headers;
    const dialled = await dial(dialling, { key, path, model, headers: passed, maxMessageBytes });
    if (this.#options.isOver()) {
      dialled.socket.terminate();
      throw toProblem(ourEnd, false);
    }
    const link = attach(dialled, {
      onText: (text) => connection.take(text),
      onLost: () => connection.fail(new ProxyError('upstream_interrupted')),
      onProblem: (problem) =>
        connection.fail(problem.code === 'overloaded' ? problem : new ProxyError('upstream_invalid_response')),
    });
    this.#links.set(connection, link);
    connection.use(link);
  }

  #end(key: RoutedKey, connection: Connection): void {
    this.#forget(key, connection);
    const link = this.#links.get(connection);
    this.#links.delete(connection);
    if (link) this.#options.detach(link);
  }

  #forget({ id }: RoutedKey, connection: Connection): void {
    if (this.#open.get(id)?.connection === connection) this.#open.delete(id);
  }
}

/** A request that may turn out to go by HTTP. */
class Replaceable implements Sent {
  #sent: Sent;

  constructor(sent: Sent) {
    this.#sent = sent;
  }

  replace(sent: Sent): void {
    this.#sent = sent;
  }

  resume(): void {
    this.#sent.resume();
  }

  abort(reason: Error): void {
    this.#sent.abort(reason);
  }

  drop(): void {
    this.#sent.drop();
  }
}

/** The body as an event has it: streaming is implied. */
function bodyOf({ body }: ProviderRequest): Body {
  const { stream: _, ...event } = asObject(parseExactly(String(body))) ?? {};
  return event;
}
