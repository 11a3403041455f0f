import { onTerms } from '../../calls/admit/model-terms.ts';
import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { realtime } from '../../operations/realtime.ts';
import { asObject, asString, type Body } from '../../providers/json.ts';
import { makeEventId } from './events.ts';
import { type SessionRules, withoutEndless } from './rules.ts';
import type { RealtimeStart, SessionPort } from './start.ts';
import { merged, readState, type SessionState } from './state.ts';

/** How a session is configured: by its ephemeral key and persona first, then by its client. */
export class SessionConfiguration {
  readonly #port: SessionPort;
  readonly #rules: SessionRules;
  readonly #start: RealtimeStart;
  /** As the provider has last shown it. */
  #session: Body = {};
  #state: SessionState = readState({});
  /** As it will be when the provider has taken the client's updates. */
  #expected: SessionState = this.#state;
  /** What the proxy itself sets before the client may speak. Undefined: it is set. */
  #opening: { readonly eventId: string; readonly created: Body } | undefined;

  constructor(port: SessionPort, rules: SessionRules, start: RealtimeStart) {
    this.#port = port;
    this.#rules = rules;
    this.#start = start;
  }

  /** As the provider has it. */
  state(): SessionState {
    return this.#state;
  }

  /** As the client's next events find it. */
  expected(): SessionState {
    return this.#expected;
  }

  /** The model that answers, as the provider names it: behind the name of a deployment there may be any. */
  model(): string | null {
    return asString(this.#session.model) ?? this.#start.providerModel ?? null;
  }

  isOpening(): boolean {
    return this.#opening !== undefined;
  }

  /** Whether it is the proxy's own configuration that an error is about. @param eventId null: about no event */
  isOwn(eventId: string | null): boolean {
    return this.#opening !== undefined && this.#opening.eventId === eventId;
  }

  /** Admits the client's update, and sends it on. @throws {ProxyError} */
  async update(identified: Identified, event: Body): Promise<void> {
    const stated = asObject(event.session);
    if (!stated) throw new ProxyError('invalid_request', { param: 'session', message: 'session must be an object' });
    const { persona_id: personaId, model, ...session } = stated;
    if (model !== undefined && model !== this.#start.model && model !== this.#start.modelAlias)
      throw new ProxyError('invalid_request', {
        param: 'session.model',
        message: 'session.model cannot be changed; open another session',
      });
    const persona = this.#rules.findPersona(identified, personaId);
    const { terms, guard } = await this.#rules.admit(identified, session, persona);
    if (persona) this.#rules.usePersona(persona);
    const said = guard?.edit(session) ?? session;
    const instructed = this.#rules.instruct(said, persona);
    const bounded = onTerms(withoutEndless(instructed), terms?.edits);
    const { model: _, ...rest } = { ...instructed, ...bounded };
    const { providerModel } = this.#start;
    const sent = providerModel !== undefined && model !== undefined ? { ...rest, model: providerModel } : rest;
    this.#expected = readState(merged(this.#session, sent));
    this.#port.forward({ ...event, session: sent });
  }

  /**
   * The provider has opened the session: it gets the configuration that the session begins with.
   *
   * @returns whether there is none, so that the client may speak
   */
  async created(identified: Identified, event: Body): Promise<boolean> {
    this.#note(event);
    const { configuration, personaId, model } = this.#start;
    const persona = this.#rules.findPersona(identified, personaId);
    const { terms, guard } = await this.#rules.admit(identified, configuration, persona);
    this.#rules.usePersona(persona);
    const said = guard?.edit(configuration) ?? configuration;
    const instructed = persona ? realtime.applyPersona(said, persona) : said;
    const { model: _, type: __, ...bounded } = { ...instructed, ...onTerms(withoutEndless(instructed), terms?.edits) };
    if (Object.keys(bounded).length === 0) return true;
    const eventId = makeEventId();
    this.#opening = { eventId, created: event };
    const type = model === undefined ? 'transcription' : 'realtime';
    this.#port.forward({ type: 'session.update', event_id: eventId, session: { type, ...bounded } });
    return false;
  }

  /** The provider has taken an update. @returns the event that begins the session, where this was the proxy's own */
  updated(event: Body): Body | undefined {
    const session = this.#note(event);
    const opening = this.#opening;
    this.#opening = undefined;
    // The client sees a session that has begun with its configuration.
    return opening && { ...opening.created, session };
  }

  #note(event: Body): Body {
    const session = asObject(event.session) ?? {};
    this.#session = session;
    this.#state = readState(session);
    this.#expected = this.#state;
    return session;
  }
}
