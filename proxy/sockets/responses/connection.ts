import { ProxyError } from '../../error.ts';
import type { Body } from '../../providers/json.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Link } from '../link.ts';
import { readEvent } from '../socket-session.ts';
import { inLane, type Lane, laneOf } from './events.ts';
import type { AnswerSource, SocketAnswer } from './socket-answer.ts';

export interface ConnectionOptions {
  readonly key: RoutedKey;
  /** Nothing can be asked here any more, and nothing is under way. */
  readonly onIdleEnd: (connection: Connection) => void;
}

/** A WebSocket to a provider. Each lane makes its responses one after another. */
export class Connection implements AnswerSource {
  readonly #options: ConnectionOptions;
  readonly #lanes = new Map<Lane, SocketAnswer[]>();
  #link: Link | undefined;
  #isOver = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The link is made with the connection's own handlers. */
  use(link: Link): void {
    this.#link = link;
  }

  /** Whether responses with this key can be asked for here. A key whose secret was changed needs another connection. */
  serves({ id, secret, provider }: RoutedKey): boolean {
    const { key } = this.#options;
    const isSame = key.id === id && key.secret === secret && key.provider.origin === provider.origin;
    return isSame && key.provider.basePath === provider.basePath && !this.#isOver;
  }

  /** Asks for a response. Its answer comes after those that were asked for before in its lane. */
  ask(body: Body, lane: Lane, answer: SocketAnswer): void {
    const before = this.#lanes.get(lane) ?? [];
    this.#lanes.set(lane, [...before, answer]);
    this.#link?.send(JSON.stringify(inLane({ type: 'response.create', ...body }, lane)));
    answer.sent(this);
    if (before.length === 0) answer.begin();
  }

  take(text: string): void {
    const event = readEvent(text);
    if (!event) {
      this.fail(new ProxyError('upstream_invalid_response'));
      return;
    }
    const lane = this.#laneOf(event.body);
    const [answer] = this.#lanes.get(lane) ?? [];
    // The provider says something of itself: that it closes the connection, or what no client has asked for.
    if (!answer) {
      if (event.type === 'error') this.#isOver = true;
      return;
    }
    if (answer.take(event.type, event.body, text)) this.#next(lane);
  }

  /** The connection is of no use any more: everything that was asked for has failed. */
  fail(problem: ProxyError): void {
    this.#isOver = true;
    const failed = [...this.#lanes.values()].flat();
    this.#lanes.clear();
    for (const answer of failed) answer.fail(problem);
    this.#options.onIdleEnd(this);
  }

  pause(): void {
    this.#link?.hold('answer');
  }

  resume(): void {
    this.#link?.release('answer');
  }

  abandoned(): void {
    // Its lane is not free before the provider has made it, so others are asked for elsewhere.
    this.#isOver = true;
    this.resume();
    this.#endIfIdle();
  }

  /** Providers that know no lanes make one response after another, and say nothing of its lane. */
  #laneOf(event: Body): Lane {
    const stated = laneOf(event);
    const [only] = this.#lanes.keys();
    return stated === undefined && this.#lanes.size === 1 ? only : stated;
  }

  #next(lane: Lane): void {
    const rest = (this.#lanes.get(lane) ?? []).slice(1);
    if (rest.length > 0) this.#lanes.set(lane, rest);
    else this.#lanes.delete(lane);
    rest[0]?.begin();
    if (this.#isOver) this.#endIfIdle();
  }

  #endIfIdle(): void {
    if ([...this.#lanes.values()].flat().every((answer) => answer.isOver())) this.#options.onIdleEnd(this);
  }
}
