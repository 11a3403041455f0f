import type { Identified } from '../calls/context.ts';
import { ProxyError } from '../error.ts';
import type { Operation } from '../operations/operation.ts';
import { asString, type Body, parseObject } from '../providers/json.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { Dialled } from './dial.ts';
import { contextOf, type GovernedResponse } from './governed-response.ts';
import { Link } from './link.ts';
import type { Opened, Session, SessionContext } from './session.ts';

/** How long a client has to read why it is cut. */
const cutMs = 250;

/** After these, the caller may make no calls any more. */
const endsSession: ReadonlySet<string> = new Set([
  ...['invalid_credentials', 'no_api_key', 'user_inactive', 'user_not_allowed', 'organization_deleted'],
  ...['surface_not_allowed', 'shutting_down', 'internal_error'],
]);

/**
 * What all sessions share: two sides, and every way in which a session ends. Whoever ends it, all accounts are settled
 * before it is over.
 */
export abstract class SocketSession implements Session {
  protected readonly context: SessionContext;
  protected readonly opened: Opened;
  protected readonly client: Link;
  /** Undefined: no provider is needed yet. */
  protected provider: Link | undefined;
  /** The client has gone, or is told to go: what is under way is read to its end. */
  protected isLeaving = false;
  protected isStopping = false;
  protected isOver = false;
  readonly #startedAtMs = Date.now();
  #lastEventAtMs = Date.now();
  #leaving: NodeJS.Timeout | undefined;

  constructor(context: SessionContext, opened: Opened) {
    this.context = context;
    this.opened = opened;
    const { share, onPassed } = opened;
    this.client = new Link({
      ...{ socket: opened.client, share },
      onText: (text) => this.#fromClient(text),
      onClose: () => this.leave(),
      onProblem: (problem) => this.end(problem, problem.code === 'overloaded' ? 1013 : 1009),
      onPassed: (direction, bytes) => onPassed('client', direction, bytes),
    });
  }

  abstract review(): Promise<void>;
  abstract isBusy(): boolean;
  /** Admits an event of the client, and sends it on. @throws {ProxyError} */
  protected abstract admitEvent(type: string, event: Body): Promise<void>;
  /** Notes an event of the provider, and shows it to the client. @throws {ProxyError} where the session must end */
  protected abstract noteEvent(type: string, event: Body, text: string): Promise<void>;
  protected abstract errorEvent(problem: ProxyError, eventId: string | null): object;
  /** Everything that the provider has been asked for, and has not ended. */
  protected abstract takeUnsettled(): readonly GovernedResponse[];
  /** Asks the provider to end what is under way. */
  protected abstract cancelAll(): void;
  /** Gives back what was reserved and never asked for. */
  protected abstract withdrawAll(): Promise<void>;

  tick(): void {
    const { lifetimeMs, idleMs } = this.context.limits;
    const nowMs = Date.now();
    if (nowMs - this.#startedAtMs > lifetimeMs) {
      const message = `the session has reached its maximum duration of ${Math.round(lifetimeMs / 60_000)} minutes`;
      this.end(new ProxyError('session_expired', { message }), 1000);
    } else if (nowMs - this.#lastEventAtMs > idleMs) {
      const message = `nobody has said anything for ${Math.round(idleMs / 1_000)} seconds`;
      this.end(new ProxyError('session_expired', { message }), 1000);
    } else if (!this.client.isAlive()) this.client.terminate();
    else if (this.provider?.isAlive() === false) this.provider.terminate();
  }

  goAway(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.tell(new ProxyError('shutting_down'), null);
    this.closeIfIdle();
  }

  cut(): void {
    this.isStopping = true;
    this.client.close(1001, 'shutting_down');
    this.settleAll('interrupted', null);
    const { provider } = this;
    this.over();
    // Nobody waits for what the other side says to it.
    setTimeout(() => this.client.terminate(), cutMs).unref();
    provider?.terminate();
  }

  /** Begins to read a provider. */
  protected attach({ socket, redact }: Dialled): Link {
    const { share, onPassed } = this.opened;
    const link: Link = new Link({
      ...{ socket, share },
      onText: (text) => this.#fromProvider(redact(text)),
      onClose: () => {
        if (this.provider === link) this.lost();
      },
      onProblem: (problem) =>
        this.end(problem.code === 'overloaded' ? problem : new ProxyError('upstream_invalid_response'), 1011),
      onPassed: (direction, bytes) => onPassed('provider', direction, bytes),
    });
    this.client.slows(link);
    link.slows(this.client);
    this.provider = link;
    socket.resume();
    return link;
  }

  /** Sends an event on, as it was read, so that no reader can find something else in it. */
  protected forward(event: Body): void {
    this.provider?.send(JSON.stringify(event));
  }

  protected tell(problem: ProxyError, eventId: string | null): void {
    this.client.send(JSON.stringify(this.errorEvent(problem, eventId)));
  }

  /** Something that nobody asked for has failed: the session ends. */
  protected fail(error: unknown): void {
    const problem = this.note(error);
    this.close(problem, problem.code === 'shutting_down' ? 1001 : problem.status < 500 ? 1008 : 1011);
  }

  protected note(error: unknown): ProxyError {
    const problem = error instanceof ProxyError ? error : new ProxyError('internal_error', { cause: error });
    const { requestId, caller } = contextOf(this.opened.first, this.opened.share, undefined);
    this.opened.onRefused(problem, requestId, caller);
    return problem;
  }

  protected end(problem: ProxyError, code: number): void {
    if (this.isOver) return;
    this.note(problem);
    this.close(problem, code);
  }

  /** Tells the client why, closes its side, and reads what is under way to its end. */
  protected close(problem: ProxyError, code: number, eventId: string | null = null): void {
    this.tell(problem, eventId);
    this.client.close(code, problem.code);
    this.leave();
  }

  /** The client has gone. What is under way is cancelled, and read, so that its usage is known. */
  protected leave(): void {
    if (this.isLeaving || this.isOver) return;
    this.isLeaving = true;
    void this.withdrawAll();
    this.cancelAll();
    this.provider?.release('slow');
    this.#leaving = setTimeout(() => {
      this.settleAll('cancelled', 'client_disconnected');
      this.over();
    }, this.context.drainMs);
    this.closeIfIdle();
  }

  /** Without a client, or at the end of the process, it closes when all accounts are settled. */
  protected closeIfIdle(): void {
    if (this.isBusy() || this.isOver) return;
    if (this.isLeaving) this.over();
    else if (this.isStopping) {
      this.client.close(1001, 'shutting_down');
      this.leave();
    }
  }

  /** The provider has gone. */
  protected lost(): void {
    if (this.isOver) return;
    const hadWork = this.isBusy();
    this.settleAll(this.isLeaving ? 'cancelled' : 'failed', 'upstream_interrupted');
    if (!this.isLeaving) {
      const message = 'the provider has closed the session';
      const problem = new ProxyError(hadWork ? 'upstream_interrupted' : 'session_expired', { message });
      this.tell(problem, null);
      this.client.close(hadWork ? 1011 : 1000, problem.code);
    }
    this.over();
  }

  protected settleAll(status: 'failed' | 'cancelled' | 'interrupted', errorCode: string | null): void {
    void this.withdrawAll();
    for (const response of this.takeUnsettled())
      response.settle({ status, hasBegun: true, errorCode }).catch((error) => this.note(error));
  }

  protected over(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.#leaving);
    void this.withdrawAll();
    this.provider?.close(1000, 'OK');
    this.opened.onOver();
  }

  /** Finds the caller by what is in force now. @throws {ProxyError} where the session may not go on */
  protected async identify(operation: Operation, key: RoutedKey | undefined): Promise<Identified> {
    const found = await this.opened.caller.find();
    this.context.pipeline.open(contextOf(found, this.opened.share, undefined), operation);
    const current = key && found.inForce.snapshot.keys.get(key.id);
    if (key && (!current || current.expiresAtMs <= Date.now()))
      throw new ProxyError('no_api_key', {
        message: 'the ApiKeyBinding of the session is gone, or not Ready any more',
      });
    return found;
  }

  async #fromClient(text: string): Promise<void> {
    this.#lastEventAtMs = Date.now();
    const event = parseObject(text);
    const type = asString(event?.type);
    if (!event || type === null) {
      this.tell(new ProxyError('invalid_json', { message: 'an event must be a JSON object with a type' }), null);
      return;
    }
    const eventId = asString(event.event_id);
    try {
      if (this.isStopping) throw new ProxyError('shutting_down');
      await this.admitEvent(type, event);
    } catch (error) {
      // The session goes on, unless its caller may not go on.
      const problem = this.note(error);
      if (endsSession.has(problem.code)) this.close(problem, 1008, eventId);
      else this.tell(problem, eventId);
    }
  }

  async #fromProvider(text: string): Promise<void> {
    this.#lastEventAtMs = Date.now();
    const event = parseObject(text);
    const type = asString(event?.type);
    if (!event || type === null) {
      this.end(new ProxyError('upstream_invalid_response'), 1011);
      return;
    }
    try {
      await this.noteEvent(type, event, text);
    } catch (error) {
      this.fail(error);
    }
  }
}
