import type { Identified } from '../calls/context.ts';
import { ProxyError } from '../error.ts';
import type { Operation } from '../operations/operation.ts';
import { asString, type Body, parseObject } from '../providers/json.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { Dialled } from './dial.ts';
import { contextOf } from './governed-response.ts';
import { Link } from './link.ts';
import type { Opened, Session, SessionContext } from './session.ts';

/** How long a client has to read why it is cut. */
const cutMs = 250;

/** After these, the caller may make no calls any more. */
const endsSession: ReadonlySet<string> = new Set([
  ...['invalid_credentials', 'no_api_key', 'user_inactive', 'user_not_allowed', 'organization_deleted'],
  ...['surface_not_allowed', 'shutting_down', 'internal_error'],
]);

/** What a session does with a provider that it is connected to. */
export interface ProviderHandlers {
  /** Takes a message, without the provider key. */
  onText(text: string): void | Promise<void>;
  /** The provider has gone. */
  onLost(): void;
  /** Its messages cannot be taken. */
  onProblem(problem: ProxyError): void;
}

/**
 * What all sessions share: two sides, and every way in which a session ends. Whoever ends it, all accounts are settled
 * before it is over.
 */
export abstract class SocketSession implements Session {
  protected readonly context: SessionContext;
  protected readonly opened: Opened;
  protected readonly client: Link;
  /** The client has gone, or is told to go: what is under way is read to its end. */
  protected isLeaving = false;
  protected isStopping = false;
  protected isOver = false;
  /** Those that are connected. */
  readonly #providers = new Set<Link>();
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
  /** @param event the client's event that it is about. Undefined: it is about none */
  protected abstract errorEvent(problem: ProxyError, event: Body | undefined): object;
  /** Asks for the end of what is under way. The client has gone. */
  protected abstract cancelAll(): void;
  /** Settles everything that the provider has been asked for, and has not ended. */
  protected abstract settleAll(status: 'failed' | 'cancelled' | 'interrupted', errorCode: string | null): void;
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
    else for (const provider of this.#providers) if (!provider.isAlive()) provider.terminate();
  }

  goAway(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.tell(new ProxyError('shutting_down'));
    this.closeIfIdle();
  }

  cut(): void {
    this.isStopping = true;
    this.client.close(1001, 'shutting_down');
    void this.withdrawAll();
    this.settleAll('interrupted', null);
    const providers = [...this.#providers];
    this.over();
    // Nobody waits for what the other side says to it.
    setTimeout(() => this.client.terminate(), cutMs).unref();
    for (const provider of providers) provider.terminate();
  }

  /** Begins to read a provider. */
  protected attach({ socket, redact }: Dialled, { onText, onLost, onProblem }: ProviderHandlers): Link {
    const { share, onPassed } = this.opened;
    const link: Link = new Link({
      ...{ socket, share, onProblem },
      onText: (text) => {
        this.noteActivity();
        return onText(redact(text));
      },
      onClose: () => {
        if (this.#providers.delete(link)) onLost();
      },
      onPassed: (direction, bytes) => onPassed('provider', direction, bytes),
    });
    this.#providers.add(link);
    link.slows(this.client);
    socket.resume();
    return link;
  }

  /** Closes the connection with a provider, which is not lost by that. */
  protected detach(link: Link): void {
    if (this.#providers.delete(link)) link.close(1000, 'OK');
  }

  protected tell(problem: ProxyError, event?: Body): void {
    this.client.send(JSON.stringify(this.errorEvent(problem, event)));
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
  protected close(problem: ProxyError, code: number, event?: Body): void {
    this.tell(problem, event);
    this.client.close(code, problem.code);
    this.leave();
  }

  /** The client has gone. What is under way is cancelled, and read, so that its usage is known. */
  protected leave(): void {
    if (this.isLeaving || this.isOver) return;
    this.isLeaving = true;
    void this.withdrawAll();
    this.cancelAll();
    for (const provider of this.#providers) provider.release('slow');
    this.#leaving = setTimeout(() => {
      void this.withdrawAll();
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

  protected over(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.#leaving);
    void this.withdrawAll();
    for (const provider of [...this.#providers]) this.detach(provider);
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

  /** Somebody has said something. */
  protected noteActivity(): void {
    this.#lastEventAtMs = Date.now();
  }

  async #fromClient(text: string): Promise<void> {
    this.noteActivity();
    const event = readEvent(text);
    if (!event) {
      this.tell(new ProxyError('invalid_json', { message: 'an event must be a JSON object with a type' }));
      return;
    }
    try {
      if (this.isStopping) throw new ProxyError('shutting_down');
      await this.admitEvent(event.type, event.body);
    } catch (error) {
      // The session goes on, unless its caller may not go on.
      const problem = this.note(error);
      if (endsSession.has(problem.code)) this.close(problem, 1008, event.body);
      else this.tell(problem, event.body);
    }
  }
}

/** Reads a message as an event. Undefined: it is none. */
export function readEvent(text: string): { readonly type: string; readonly body: Body } | undefined {
  const body = parseObject(text);
  const type = asString(body?.type);
  return body && type !== null ? { type, body } : undefined;
}
