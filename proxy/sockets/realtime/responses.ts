import { onTerms } from '../../calls/admit/model-terms.ts';
import type { Identified } from '../../calls/context.ts';
import { realtime } from '../../operations/realtime.ts';
import { asObject, asString, type Body, errorCodeOf } from '../../providers/json.ts';
import { readRealtimeResponse } from '../../providers/openai/realtime.ts';
import type { Persona } from '../../snapshot/snapshot.ts';
import { type GovernedResponse, openLate, openResponse } from '../governed-response.ts';
import type { Ask } from './ask.ts';
import type { SessionConfiguration } from './configuration.ts';
import type { SessionConversation } from './conversation.ts';
import { makeEventId } from './events.ts';
import { requireReadable, type SessionRules, withoutEndless } from './rules.ts';
import type { RealtimeStart, SessionPort } from './start.ts';
import { speaks } from './state.ts';
import { itemsOf, type Turn } from './turn.ts';

/** Of a response that the provider makes by itself. */
const nothingStated: Body = {};

/** What the responses of a session work with. */
export interface ResponsesOptions {
  readonly port: SessionPort;
  readonly rules: SessionRules;
  readonly configuration: SessionConfiguration;
  readonly turn: Turn;
  readonly ask: Ask;
  readonly start: RealtimeStart;
  readonly conversation: SessionConversation;
}

/** The responses of a session, with their accounts: those that the client asks for, and those that the provider makes. */
export class Responses {
  readonly #options: ResponsesOptions;
  /** Asked for, and not yet begun, in order. */
  readonly #expected: {
    readonly eventId: string;
    readonly shown: string | null;
    readonly response: GovernedResponse;
  }[] = [];
  /** Reserved for what the provider makes by itself when the speech that it hears ends. */
  #standby: Promise<GovernedResponse> | undefined;
  readonly #underWay = new Map<string, GovernedResponse>();

  constructor(options: ResponsesOptions) {
    this.#options = options;
  }

  isBusy(): boolean {
    return this.#underWay.size + this.#expected.length > 0;
  }

  hasBegun(): boolean {
    return this.#underWay.size > 0;
  }

  /** Admits the client's `response.create`, and sends it on when its intent is written. @throws {ProxyError} */
  async create(event: Body): Promise<void> {
    const { port, rules, configuration } = this.#options;
    const identified = await port.identify();
    const { persona_id: personaId, ...stated } = asObject(event.response) ?? {};
    const response = await this.#open(identified, stated, rules.findPersona(identified, personaId));
    if (port.isOver() || port.isLeaving() || !port.isOpen()) {
      response.withdraw();
      return;
    }
    const { asked, changes } = response;
    // What guardrails, personas and ceilings made of it.
    const { model: _, ...body } = { ...stated, ...asked.body };
    const shown = asString(event.event_id);
    const eventId = shown ?? makeEventId();
    this.#expected.push({ eventId, shown, response });
    const { inherited } = configuration.expected();
    const isOwn = ([name, value]: [string, unknown]) => name in stated || value !== inherited[name];
    const sent = Object.fromEntries(Object.entries({ ...body, ...changes }).filter(isOwn));
    port.forward({ ...event, event_id: eventId, response: sent });
  }

  /** Speech has begun. What it may cause is reserved before it can cost anything. */
  expectSpeech(): void {
    const { port, configuration } = this.#options;
    if (!configuration.state().createsResponses || this.#standby) return;
    this.#standby = port.identify().then((identified) => this.#open(identified, nothingStated, undefined));
    this.#standby.catch((error) => {
      this.#standby = undefined;
      port.fail(error);
    });
  }

  /** Resolves when what speech may cause is reserved. It rejects where that is refused, which ends the session. */
  async reserved(): Promise<void> {
    await this.#standby;
  }

  /** The provider has begun a response. @returns it, unless nobody can follow it any more */
  async begun(id: string | null): Promise<GovernedResponse | undefined> {
    const { port } = this.#options;
    const response = this.#expected.shift()?.response ?? (await this.#takeStandby());
    if (id === null || port.isOver()) {
      await response.settle({ status: 'interrupted', hasBegun: true });
      return undefined;
    }
    this.#underWay.set(id, response);
    if (port.isLeaving()) port.forward({ type: 'response.cancel', response_id: id });
    return response;
  }

  /** A part of a response's output has come. */
  sawOutput(id: string | null): void {
    this.#underWay.get(id ?? '')?.sawOutput();
  }

  /** The provider has ended a response: it is settled before the client hears of it. */
  async done(done: Body): Promise<void> {
    const { port, configuration } = this.#options;
    const reading = readRealtimeResponse(done);
    const id = reading.responseId ?? '';
    const response = this.#underWay.get(id) ?? (await this.#takeStandby());
    const details = asObject(done.status_details);
    const isCancelled = reading.state === 'cancelled';
    const status = port.isLeaving() || isCancelled ? 'cancelled' : reading.failed ? 'failed' : 'completed';
    const errorCode = port.isLeaving() ? 'client_disconnected' : isCancelled ? asString(details?.reason) : null;
    const output = await recorded(response, done);
    await response.settle({
      ...{ status, hasBegun: true, reading },
      ...(output !== undefined && { output }),
      ...(errorCode !== null && { errorCode }),
      model: configuration.model(),
    });
    this.#underWay.delete(id);
  }

  /**
   * The provider refuses an event.
   *
   * @returns the client's own id of it, null where it gave none. Undefined: the event asked for no response
   */
  async refused(error: Body): Promise<string | null | undefined> {
    const about = asString(error.event_id);
    const at = this.#expected.findIndex(({ eventId }) => eventId === about);
    const [refused] = at === -1 ? [] : this.#expected.splice(at, 1);
    if (!refused) return undefined;
    await refused.response.settle({ status: 'failed', hasBegun: false, errorCode: errorCodeOf(error) });
    return refused.shown;
  }

  cancelAll(): void {
    for (const id of this.#underWay.keys()) this.#options.port.forward({ type: 'response.cancel', response_id: id });
  }

  /** @returns everything that the provider was asked for, and has not ended */
  takeUnsettled(): readonly GovernedResponse[] {
    const unsettled = [...this.#expected.splice(0).map(({ response }) => response), ...this.#underWay.values()];
    this.#underWay.clear();
    return unsettled;
  }

  /** Gives back what was reserved for speech that caused nothing. */
  async withdraw(): Promise<void> {
    const standby = this.#standby;
    this.#standby = undefined;
    (await standby?.catch(() => undefined))?.withdraw();
  }

  /** Admits a response, reserves for it, and writes its intent. @param stated what it says beside the session */
  async #open(identified: Identified, stated: Body, ownPersona: Persona | undefined): Promise<GovernedResponse> {
    const { rules, configuration, turn, ask, conversation } = this.#options;
    const state = stated === nothingStated ? configuration.state() : configuration.expected();
    const session = state.inherited;
    const persona = ownPersona ?? rules.persona();
    const { terms, guard, model } = await rules.admit(identified, { ...session, ...stated }, ownPersona);
    if (speaks(stated) ?? state.speaks) requireReadable(guard, 'Output');
    const unheld = guard?.unheld();
    if (unheld) throw unheld;
    const said = guard?.edit(stated) ?? stated;
    const instructed = rules.instruct(said, ownPersona);
    // It is said again where it decides what passes: the provider may not have taken the update that said it first.
    const asText = speaks(stated) === undefined && guard?.unreadable('Output') && { output_modalities: ['text'] };
    const own = { ...instructed, ...asText };
    const body = { ...session, ...own, ...onTerms(withoutEndless({ ...session, ...own }), terms?.edits) };
    const { turnId, said: remembered } = turn.end();
    const statedItems = itemsOf(said.input);
    // What is beside the conversation is no part of it.
    const linked =
      said.conversation === 'none' ? undefined : conversation.next(identified, [...remembered, ...statedItems]);
    return openResponse(ask.accounting, {
      ...ask.of(identified, turnId),
      operation: realtime.name,
      model,
      persona,
      guard,
      linked,
      body,
      input: () => JSON.stringify({ model, ...said, input: [...remembered, ...statedItems] }),
    });
  }

  /** What the provider has begun by itself. Whatever may be refused, it has a record. */
  async #takeStandby(): Promise<GovernedResponse> {
    const { port, rules, configuration, turn, ask, start } = this.#options;
    const standby = this.#standby;
    this.#standby = undefined;
    try {
      if (standby) return await standby;
      return await this.#open(await port.identify(), nothingStated, undefined);
    } catch (error) {
      port.fail(error);
      port.forward({ type: 'response.cancel' });
      const { model } = start;
      return openLate(ask.accounting, {
        ...ask.of(ask.first, turn.id()),
        ...{ operation: realtime.name, model, persona: rules.persona(), guard: undefined },
        ...{ body: configuration.state().inherited, input: () => '{}' },
      });
    }
  }
}

/** The answer as the rules left it. Undefined where they do not let it pass. */
async function recorded({ asked }: GovernedResponse, done: Body): Promise<string | undefined> {
  const { output } = asked.guard ?? {};
  const changed = await output?.answer(done);
  return output?.problem() ? undefined : JSON.stringify(changed ?? done);
}
