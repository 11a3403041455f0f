import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { realtime } from '../../operations/realtime.ts';
import { asObject, asString, type Body } from '../../providers/json.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Dialled } from '../dial.ts';
import type { GovernedResponse } from '../governed-response.ts';
import type { Opened, SessionContext } from '../session.ts';
import { SocketSession } from '../socket-session.ts';
import { makeAsk } from './ask.ts';
import { SessionConfiguration } from './configuration.ts';
import { errorEvent } from './events.ts';
import { Responses } from './responses.ts';
import { SessionRules } from './rules.ts';
import { ShownEvents } from './shown-events.ts';
import type { RealtimeStart } from './start.ts';
import { hasMedia } from './state.ts';
import { Transcriptions } from './transcriptions.ts';
import { Turn } from './turn.ts';

/** Events with which a client configures its session. */
const updates = new Set(['session.update', 'transcription_session.update']);

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
  #reviewed: Snapshot;

  constructor(context: SessionContext, opened: Opened, dialled: Dialled, start: RealtimeStart) {
    super(context, opened);
    this.#start = start;
    this.#reviewed = opened.first.inForce.snapshot;
    const port = {
      identify: () => this.#identify(),
      forward: (event: Body) => this.forward(event),
      fail: (error: unknown) => this.fail(error),
      isLeaving: () => this.isLeaving,
      isOver: () => this.isOver,
      isOpen: () => this.provider?.isOpen() ?? false,
    };
    this.#rules = new SessionRules(context, opened, start);
    this.#configuration = new SessionConfiguration(port, this.#rules, start);
    const parts = { port, rules: this.#rules, configuration: this.#configuration, turn: this.#turn };
    const ask = makeAsk(context, opened, start);
    this.#responses = new Responses({ ...parts, ask, start });
    this.#transcriptions = new Transcriptions({ ...parts, ask });
    this.#shown = new ShownEvents(this.client);
    // The client's events wait until the provider has the configuration.
    this.client.hold('opening');
    this.attach(dialled);
  }

  async review(): Promise<void> {
    try {
      const { inForce } = await this.#identify();
      if (inForce.snapshot === this.#reviewed) return;
      this.#reviewed = inForce.snapshot;
      this.#shown.useGuard(await this.#rules.openGuard(inForce));
      const instructions = this.#rules.review(inForce.snapshot);
      if (instructions !== undefined)
        this.forward({ type: 'session.update', session: { type: 'realtime', instructions } });
    } catch (error) {
      this.fail(error);
    }
  }

  isBusy(): boolean {
    return this.#responses.isBusy() || this.#transcriptions.isBusy() || this.#configuration.isOpening();
  }

  protected async admitEvent(type: string, event: Body): Promise<void> {
    if (updates.has(type)) return this.#configuration.update(await this.#identify(), event);
    switch (type) {
      case 'response.create':
        return this.#responses.create(event);
      case 'input_audio_buffer.append':
        this.#rules.requireReadableInput();
        return this.forward(event);
      case 'input_audio_buffer.commit': {
        const expected = this.#configuration.expected();
        if (!expected.detectsTurns) this.#transcriptions.expect(expected);
        await this.#transcriptions.reserved();
        return this.forward(event);
      }
      case 'conversation.item.create':
        return this.#addItem(event);
      default: {
        const guard = await this.#rules.checkText(event);
        this.forward(guard?.edit(event) ?? event);
      }
    }
  }

  async #addItem(event: Body): Promise<void> {
    const item = asObject(event.item) ?? {};
    if (hasMedia(item)) this.#rules.requireReadableInput();
    const guard = await this.#rules.checkText(item);
    const edited = guard?.edit(item) ?? item;
    this.#turn.remember(edited);
    this.forward({ ...event, item: edited });
  }

  #identify(): Promise<Identified> {
    return this.identify(realtime, this.#start.key);
  }

  protected async noteEvent(type: string, event: Body, text: string): Promise<void> {
    const shown = await this.#noted(type, event, text);
    if (shown !== undefined) await this.#show(shown, type);
  }

  /** @returns what the client gets of it */
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
    const response = await this.#responses.begun(id);
    if (isOnly) this.#shown.useGuardOf(response?.asked.guard?.output);
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
    const hadGuard = this.#shown.hasGuard();
    const problem = this.#shown.show(text);
    if (problem) {
      this.forward({ type: 'response.cancel' });
      this.note(problem);
      this.close(problem, 1008);
    } else if (hadGuard && type === 'response.done' && !this.#responses.hasBegun()) {
      // Each response has rules that begin anew, so that its record has its own hits.
      this.#shown.useGuard(await this.#rules.openGuard(this.context.inForce()));
    }
  }

  protected errorEvent(problem: ProxyError, eventId: string | null): object {
    return errorEvent(problem, eventId);
  }

  protected cancelAll(): void {
    this.#responses.cancelAll();
  }

  protected takeUnsettled(): readonly GovernedResponse[] {
    return [...this.#responses.takeUnsettled(), ...this.#transcriptions.takeUnsettled()];
  }

  protected async withdrawAll(): Promise<void> {
    await Promise.all([this.#responses.withdraw(), this.#transcriptions.withdraw()]);
  }
}
