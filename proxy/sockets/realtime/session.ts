import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { realtime } from '../../operations/realtime.ts';
import { asObject, asString, type Body } from '../../providers/json.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Dialled } from '../dial.ts';
import type { Link } from '../link.ts';
import type { Opened, SessionContext } from '../session.ts';
import { readEvent, SocketSession } from '../socket-session.ts';
import { makeAsk } from './ask.ts';
import { SessionConfiguration } from './configuration.ts';
import { SessionConversation } from './conversation.ts';
import { errorEvent } from './events.ts';
import { Responses } from './responses.ts';
import { SessionRules } from './rules.ts';
import { ShownEvents } from './shown-events.ts';
import type { RealtimeStart } from './start.ts';
import { Transcriptions } from './transcriptions.ts';
import { Turn } from './turn.ts';

/**
 * A session of the Realtime API: events of the client are admitted before they go to the provider, and each response,
 * whoever made it, has a record of its own.
 */
export class RealtimeSession extends SocketSession {
  readonly #start: RealtimeStart;
  readonly #rules: SessionRules;
  readonly #configuration: SessionConfiguration;
  readonly #responses: Responses;
  readonly #transcriptions: Transcriptions;
  readonly #shown: ShownEvents;
  readonly #turn = new Turn();
  readonly #provider: Link;
  #reviewed: Snapshot;

  constructor(context: SessionContext, opened: Opened, dialled: Dialled, start: RealtimeStart) {
    super(context, opened);
    this.#start = start;
    this.#reviewed = opened.first.inForce.snapshot;
    const port = {
      identify: () => this.#identify(),
      forward: (event: Body) => this.#forward(event),
      fail: (error: unknown) => this.fail(error),
      isLeaving: () => this.isLeaving,
      isOver: () => this.isOver,
      isOpen: () => this.#provider.isOpen(),
    };
    this.#rules = new SessionRules(context, opened, start);
    this.#configuration = new SessionConfiguration(port, this.#rules, start);
    const ask = makeAsk(context, opened, start);
    const parts = { port, ask, rules: this.#rules, configuration: this.#configuration, turn: this.#turn };
    this.#responses = new Responses({ ...parts, start, conversation: new SessionConversation(context.link) });
    this.#transcriptions = new Transcriptions(parts);
    this.#shown = new ShownEvents(this.client);
    // The client's events wait until the provider has the configuration.
    this.client.hold('opening');
    this.#provider = this.attach(dialled, {
      onText: (text) => this.#fromProvider(text),
      onLost: () => this.#lost(),
      onProblem: (problem) =>
        this.end(problem.code === 'overloaded' ? problem : new ProxyError('upstream_invalid_response'), 1011),
    });
    this.client.slows(this.#provider);
  }

  async review(): Promise<void> {
    try {
      const { inForce } = await this.#identify();
      if (inForce.snapshot === this.#reviewed) return;
      this.#reviewed = inForce.snapshot;
      this.#shown.useGuard(await this.#rules.openGuard(inForce));
      const instructions = this.#rules.review(inForce.snapshot);
      if (instructions !== undefined)
        this.#forward({ type: 'session.update', session: { type: 'realtime', instructions } });
    } catch (error) {
      this.fail(error);
    }
  }

  isBusy(): boolean {
    return this.#responses.isBusy() || this.#transcriptions.isBusy() || this.#configuration.isOpening();
  }

  protected async admitEvent(type: string, event: Body): Promise<void> {
    switch (type) {
      case 'session.update':
      case 'transcription_session.update':
        return this.#configuration.update(await this.#identify(), event);
      case 'response.create':
        return this.#responses.create(event);
      case 'input_audio_buffer.append':
        this.#rules.requireReadableInput();
        return this.#forward(event);
      case 'input_audio_buffer.commit': {
        const expected = this.#configuration.expected();
        if (!expected.detectsTurns) this.#transcriptions.expect(expected);
        await this.#transcriptions.reserved();
        return this.#forward(event);
      }
      case 'conversation.item.create': {
        const item = await this.#rules.admitItem(asObject(event.item) ?? {});
        this.#turn.remember(item);
        return this.#forward({ ...event, item });
      }
      default: {
        const guard = await this.#rules.checkText(event);
        this.#forward(guard?.edit(event) ?? event);
      }
    }
  }

  #identify(): Promise<Identified> {
    return this.identify(realtime, this.#start.key);
  }

  /** Sends an event on, as it was read, so that no reader can find something else in it. */
  #forward(event: Body): void {
    this.#provider.send(JSON.stringify(event));
  }

  async #fromProvider(text: string): Promise<void> {
    const event = readEvent(text);
    if (!event) {
      this.end(new ProxyError('upstream_invalid_response'), 1011);
      return;
    }
    try {
      const shown = await this.#noted(event.type, event.body, text);
      if (shown !== undefined) await this.#show(shown, event.type);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The provider has gone: the session, which it keeps, is over. */
  #lost(): void {
    if (this.isOver) return;
    const hadWork = this.isBusy();
    void this.withdrawAll();
    this.settleAll(this.isLeaving ? 'cancelled' : 'failed', 'upstream_interrupted');
    if (!this.isLeaving) {
      const message = 'the provider has closed the session';
      const problem = new ProxyError(hadWork ? 'upstream_interrupted' : 'session_expired', { message });
      this.tell(problem);
      this.client.close(hadWork ? 1011 : 1000, problem.code);
    }
    this.over();
  }

  async #noted(type: string, event: Body, text: string): Promise<string | undefined> {
    switch (type) {
      case 'session.created':
      case 'transcription_session.created':
        return this.#noteCreated(event, text);
      case 'session.updated':
      case 'transcription_session.updated':
        return this.#noteUpdated(event, text);
      case 'input_audio_buffer.speech_started':
        this.#transcriptions.expect(this.#configuration.state());
        this.#responses.expectSpeech();
        // Whoever hears of it may rely on it.
        await Promise.allSettled([this.#responses.reserved(), this.#transcriptions.reserved()]);
        return text;
      case 'input_audio_buffer.committed':
        await this.#transcriptions.bind(asString(event.item_id));
        return text;
      case 'conversation.item.input_audio_transcription.completed':
      case 'conversation.item.input_audio_transcription.failed':
        await this.#transcriptions.done(event, type.endsWith('.failed'));
        this.closeIfIdle();
        return text;
      case 'response.created':
        await this.#noteBegun(asString(asObject(event.response)?.id));
        return text;
      case 'response.done':
        await this.#responses.done(asObject(event.response) ?? {});
        this.closeIfIdle();
        return text;
      case 'error':
        return this.#noteError(event, text);
      default:
        if (type.endsWith('.delta')) this.#responses.sawOutput(asString(event.response_id));
        return text;
    }
  }

  async #noteCreated(event: Body, text: string): Promise<string | undefined> {
    const { first } = this.opened;
    this.#shown.useGuard(await this.#rules.openGuard(first.inForce));
    if (!(await this.#configuration.created(first, event))) return undefined;
    this.client.release('opening');
    return text;
  }

  #noteUpdated(event: Body, text: string): string {
    const created = this.#configuration.updated(event);
    if (!created) return text;
    this.client.release('opening');
    this.closeIfIdle();
    return JSON.stringify(created);
  }

  async #noteBegun(id: string | null): Promise<void> {
    const isOnly = !this.#responses.hasBegun();
    const { asked } = (await this.#responses.begun(id)) ?? {};
    if (isOnly) this.#shown.useGuardOf(asked?.guard?.output);
  }

  async #noteError(event: Body, text: string): Promise<string | undefined> {
    const error = asObject(event.error) ?? {};
    if (this.#configuration.isOwn(asString(error.event_id))) {
      this.client.send(text);
      const message = `the provider does not take the configuration of the session: ${asString(error.message) ?? ''}`;
      this.end(new ProxyError('upstream_refused', { message }), 1011);
      return undefined;
    }
    const shown = await this.#responses.refused(error);
    if (shown === undefined) return text;
    this.closeIfIdle();
    return JSON.stringify({ ...event, error: { ...error, event_id: shown } });
  }

  /** Sends an event to the client, when the rules about answers let it pass. */
  async #show(text: string, type: string): Promise<void> {
    // Each response has rules that begin anew, so that its record has its own hits.
    const isLast = type === 'response.done' && !this.#responses.hasBegun();
    const openNext = () => this.#rules.openGuard(this.context.inForce());
    const problem = await this.#shown.show(text, isLast ? openNext : undefined);
    if (!problem) return;
    this.#forward({ type: 'response.cancel' });
    this.note(problem);
    this.close(problem, 1008);
  }

  protected errorEvent(problem: ProxyError, event: Body | undefined): object {
    return errorEvent(problem, asString(event?.event_id));
  }

  protected cancelAll(): void {
    this.#responses.cancelAll();
  }

  protected settleAll(status: 'failed' | 'cancelled' | 'interrupted', errorCode: string | null): void {
    for (const response of [...this.#responses.takeUnsettled(), ...this.#transcriptions.takeUnsettled()])
      response.settle({ status, hasBegun: true, errorCode }).catch((error) => this.note(error));
  }

  protected async withdrawAll(): Promise<void> {
    await Promise.all([this.#responses.withdraw(), this.#transcriptions.withdraw()]);
  }
}
