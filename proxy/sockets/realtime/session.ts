import { type CallFields, readCallFields } from '../../../crds/read-call-fields.ts';
import { randomHex } from '../../../database/ids.ts';
import type { Admitted } from '../../calls/admit/admission.ts';
import { admitModel, admitPersona } from '../../calls/admit/admit.ts';
import { onTerms } from '../../calls/admit/model-terms.ts';
import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import type { CallGuard, GuardedCall } from '../../guardrails/call-guard.ts';
import { realtime, realtimeTranscription } from '../../operations/realtime.ts';
import { asObject, asString, type Body, errorCodeOf } from '../../providers/json.ts';
import { readRealtimeResponse, readTranscriptionUsage } from '../../providers/openai/realtime.ts';
import type { Persona, RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { Dialled } from '../dial.ts';
import { FrameGuard } from '../frame-guard.ts';
import { type Asked, contextOf, type GovernedResponse, openLate, openResponse } from '../governed-response.ts';
import type { Opened, SessionContext } from '../session.ts';
import { SocketSession } from '../socket-session.ts';
import { errorEvent, makeEventId } from './events.ts';
import { hasMedia, readState, type SessionState, speaks, transcriberOf } from './state.ts';

/** What a session begins with. */
export interface RealtimeStart {
  readonly key: RoutedKey;
  /** As an alias stands for it. Undefined: the session only transcribes. */
  readonly model: string | undefined;
  readonly modelAlias: string | undefined;
  /** What the provider calls it. */
  readonly providerModel: string | undefined;
  /** The persona that it was opened with, by its id. */
  readonly personaId: string | undefined;
  /** The configuration of the ephemeral key. */
  readonly configuration: Body;
}

/** Of a response that the provider makes by itself. */
const nothingStated: Body = {};
/** Events with which a client configures its session. */
const updates = new Set(['session.update', 'transcription_session.update']);
/** Items that have come since the last response, for its record. */
const maxRemembered = 200;

/**
 * A session of the Realtime API: events of the client are admitted before they go to the provider, and each response,
 * whoever made it, has a record of its own.
 */
export class RealtimeSession extends SocketSession {
  readonly #start: RealtimeStart;
  /** As the provider has last shown it. */
  #session: Body = {};
  #state: SessionState = readState({});
  /** As it will be when the provider has taken the client's updates. */
  #expectedState: SessionState = this.#state;
  #reviewed: Snapshot;
  #persona: Persona | undefined;
  /** The configuration that the proxy itself sets before the client may speak. Undefined: it is set. */
  #opening: { readonly eventId: string; readonly created?: Body } | undefined;
  #guard: FrameGuard | undefined;
  /** Asked for, and not yet begun, in order. */
  readonly #expected: {
    readonly eventId: string;
    readonly shown: string | null;
    readonly response: GovernedResponse;
  }[] = [];
  /** Reserved for what the provider makes by itself when the speech that it hears ends. */
  #standby: Promise<GovernedResponse> | undefined;
  readonly #underWay = new Map<string, GovernedResponse>();
  /** By the item that is transcribed. */
  readonly #transcriptions = new Map<string, GovernedResponse>();
  /** Reserved for the speech that is heard. */
  #transcription: Promise<GovernedResponse> | undefined;
  #turnId = makeTurnId();
  #said: Body[] = [];
  constructor(context: SessionContext, opened: Opened, dialled: Dialled, start: RealtimeStart) {
    super(context, opened);
    this.#start = start;
    this.#reviewed = opened.first.inForce.snapshot;
    // Its events wait until the provider has the configuration.
    this.client.hold('opening');
    this.attach(dialled);
  }

  async review(): Promise<void> {
    try {
      const { inForce } = await this.#identify();
      const { snapshot } = inForce;
      if (snapshot === this.#reviewed) return;
      this.#reviewed = snapshot;
      await this.#openGuard(inForce);
      this.#requireModel(snapshot);
      this.#pushPersona(snapshot);
    } catch (error) {
      this.fail(error);
    }
  }

  isBusy(): boolean {
    const { size } = this.#underWay;
    return size + this.#expected.length + this.#transcriptions.size > 0 || this.#opening !== undefined;
  }

  protected async admitEvent(type: string, event: Body): Promise<void> {
    if (updates.has(type)) return this.#update(event);
    if (type === 'response.create') return this.#create(event);
    if (type === 'input_audio_buffer.append') {
      this.#requireReadable('Input');
      return this.forward(event);
    }
    if (type === 'input_audio_buffer.commit') {
      if (!this.#expectedState.detectsTurns) this.#expectTranscription(this.#expectedState);
      await this.#transcription;
      return this.forward(event);
    }
    if (type === 'conversation.item.create') return this.#addItem(event);
    const { edit } = (await this.#checkText(event)) ?? { edit: (one: Body) => one };
    this.forward(edit(event));
  }

  async #addItem(event: Body): Promise<void> {
    const item = asObject(event.item) ?? {};
    if (hasMedia(item)) this.#requireReadable('Input');
    const guard = await this.#checkText(item);
    const edited = guard?.edit(item) ?? item;
    this.#remember(edited);
    this.forward({ ...event, item: edited });
  }

  async #update(event: Body): Promise<void> {
    const identified = await this.#identify();
    const stated = asObject(event.session);
    if (!stated) throw new ProxyError('invalid_request', { param: 'session', message: 'session must be an object' });
    const { persona_id: personaId, model, ...session } = stated;
    if (model !== undefined && model !== this.#start.model && model !== this.#start.modelAlias)
      throw new ProxyError('invalid_request', {
        param: 'session.model',
        message: 'session.model cannot be changed; open another session',
      });
    const { snapshot } = identified.inForce;
    const persona = personaId === undefined ? undefined : admitPersona(snapshot, identified.caller, personaId);
    const { terms, guard } = await this.#admit(identified, session, persona);
    if (persona) this.#persona = persona;
    const said = guard?.edit(session) ?? session;
    const instructed = this.#instruct(said, persona);
    const bounded = onTerms(withoutEndless(instructed), terms?.edits);
    const { model: _, ...rest } = { ...instructed, ...bounded };
    const { providerModel } = this.#start;
    const sent = providerModel !== undefined && model !== undefined ? { ...rest, model: providerModel } : rest;
    this.#expectedState = readState(merged(this.#session, sent));
    this.forward({ ...event, session: sent });
  }

  /** The instructions are the persona's, where the session has one. A new persona also brings its parameters. */
  #instruct(stated: Body, fresh: Persona | undefined): Body {
    if (fresh) return realtime.applyPersona(stated, fresh);
    return this.#persona && 'instructions' in stated ? { ...stated, instructions: this.#persona.content } : stated;
  }

  async #create(event: Body): Promise<void> {
    const identified = await this.#identify();
    const { persona_id: personaId, ...stated } = asObject(event.response) ?? {};
    const { snapshot } = identified.inForce;
    const own = personaId === undefined ? undefined : admitPersona(snapshot, identified.caller, personaId);
    const response = await this.#openResponse(identified, stated, own);
    if (this.isOver || this.isLeaving || !this.provider?.isOpen()) {
      response.withdraw();
      return;
    }
    const { asked, changes } = response;
    // What guardrails, personas and ceilings made of it.
    const { model: _, ...body } = { ...stated, ...asked.body };
    const shown = asString(event.event_id);
    const eventId = shown ?? makeEventId();
    this.#expected.push({ eventId, shown, response });
    const { inherited } = this.#expectedState;
    const isOwn = ([name, value]: [string, unknown]) => name in stated || value !== inherited[name];
    const sent = Object.fromEntries(Object.entries({ ...body, ...changes }).filter(isOwn));
    this.forward({ ...event, event_id: eventId, response: sent });
  }

  /** Admits a response, reserves for it, and writes its intent. @param stated what it says beside the session */
  async #openResponse(
    identified: Identified,
    stated: Body,
    ownPersona: Persona | undefined,
  ): Promise<GovernedResponse> {
    const state = stated === nothingStated ? this.#state : this.#expectedState;
    const session = state.inherited;
    const persona = ownPersona ?? this.#persona;
    const { terms, guard, model } = await this.#admit(identified, { ...session, ...stated }, ownPersona);
    if (speaks(stated) ?? state.speaks) requireReadable(guard, 'Output');
    const unheld = guard?.unheld();
    if (unheld) throw unheld;
    const said = guard?.edit(stated) ?? stated;
    const instructed = this.#instruct(said, ownPersona);
    // It is said again where it decides what passes: the provider may not have taken the update that said it first.
    const asText = speaks(stated) === undefined && guard?.unreadable('Output') && { output_modalities: ['text'] };
    const own = { ...instructed, ...asText };
    const body = { ...session, ...own, ...onTerms(withoutEndless({ ...session, ...own }), terms?.edits) };
    const remembered = this.#said;
    this.#said = [];
    const turnId = this.#turnId;
    this.#turnId = makeTurnId();
    return openResponse(this.#accounting(), {
      ...this.#askedOf(identified, turnId),
      operation: realtime.name,
      model,
      persona,
      guard,
      body,
      input: () => JSON.stringify({ model, ...said, input: [...remembered, ...(asItems(said.input) ?? [])] }),
    });
  }

  async #admit(identified: Identified, stated: Body, persona: Persona | undefined): Promise<Admitted> {
    const { model, key } = this.#start;
    const { snapshot } = identified.inForce;
    const operation = model === undefined ? realtimeTranscription : realtime;
    const transcriber = transcriberOf(stated);
    if (transcriber !== undefined) this.#requireTranscriber(snapshot, transcriber);
    const fields = readCallFields(stated);
    requireSpelling(fields);
    const body = withoutEndless(persona ? realtime.applyPersona(stated, persona) : stated);
    return this.context.pipeline.admit({
      context: contextOf(identified, this.opened.share, undefined),
      operation,
      body: model === undefined ? body : { ...body, model },
      said: stated,
      isRewritable: true,
      otherModels: fields.models,
      references: fields.references,
      fixed: { key, param: 'model' },
    });
  }

  #requireTranscriber(snapshot: Snapshot, model: string): void {
    admitModel(snapshot, model);
    if (this.#start.key.servesModel(model)) return;
    const message = `the key of the session does not serve the model ${JSON.stringify(model.slice(0, 200))}`;
    throw new ProxyError('model_not_allowed', { param: 'session.audio.input.transcription.model', message });
  }

  /** Checks the texts of an event that is no response. @returns undefined where no guardrail is for the session */
  async #checkText(said: Body): Promise<CallGuard | undefined> {
    const { inForce } = this.context;
    return this.context.guardrails.check({ ...this.#guarded(inForce()), said });
  }

  #guarded({ snapshot, envelope }: Identified['inForce']): Omit<GuardedCall, 'said'> {
    const { caller } = this.opened.first;
    const { user, userId, sessionId } = caller;
    const { model, key } = this.#start;
    const requestId = contextOf(this.opened.first, this.opened.share, undefined).requestId;
    return {
      ...{ requestId, snapshot, envelope, operation: realtime.name, model, key, isRewritable: true },
      ...{ user, userId, sessionId },
    };
  }

  /** @throws {ProxyError} where a guardrail would have to read sound or pictures */
  #requireReadable(side: 'Input' | 'Output'): void {
    const checked = this.context.guardrails.check({ ...this.#guarded(this.context.inForce()), said: undefined });
    // The rules are loaded since the session was opened.
    if (!(checked instanceof Promise)) requireReadable(checked, side);
  }

  async #openGuard(inForce: Identified['inForce']): Promise<void> {
    const guard = await this.context.guardrails.check({ ...this.#guarded(inForce), said: undefined });
    this.#useGuard(guard?.output && new FrameGuard(guard.output));
  }

  #useGuard(guard: FrameGuard | undefined): void {
    for (const message of this.#guard?.end() ?? []) this.client.send(message);
    this.#guard = guard;
  }

  #identify(): Promise<Identified> {
    return this.identify(realtime, this.#start.key);
  }

  #requireModel(snapshot: Snapshot): void {
    const { model, modelAlias } = this.#start;
    if (model !== undefined) admitModel(snapshot, model, modelAlias);
  }

  /** A persona that was edited instructs from now on. One that is gone ends the session. */
  #pushPersona(snapshot: Snapshot): void {
    if (!this.#persona) return;
    const persona = admitPersona(snapshot, this.opened.first.caller, this.#persona.id);
    if (persona.content !== this.#persona.content)
      this.forward({ type: 'session.update', session: { type: 'realtime', instructions: persona.content } });
    this.#persona = persona;
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
        this.#expectSpeech();
        // Whoever hears of it may rely on it.
        await Promise.allSettled([this.#standby, this.#transcription]);
        return text;
      case 'input_audio_buffer.committed':
        await this.#bindTranscription(asString(event.item_id));
        return text;
      case 'conversation.item.input_audio_transcription.completed':
      case 'conversation.item.input_audio_transcription.failed':
        await this.#noteTranscript(event, type.endsWith('.failed'));
        return text;
      case 'response.created':
        await this.#noteBegun(asString(asObject(event.response)?.id));
        return text;
      case 'response.done':
        await this.#noteDone(asObject(event.response) ?? {});
        return text;
      case 'error':
        return this.#noteError(event, text);
      default:
        if (type.endsWith('.delta')) this.#underWay.get(asString(event.response_id) ?? '')?.sawOutput();
        return text;
    }
  }

  async #noteCreated(event: Body, text: string): Promise<string | undefined> {
    const session = asObject(event.session) ?? {};
    this.#noteSession(session);
    const { first } = this.opened;
    await this.#openGuard(first.inForce);
    const { configuration, personaId } = this.#start;
    const persona = personaId === undefined ? undefined : admitPersona(first.inForce.snapshot, first.caller, personaId);
    const { terms, guard } = await this.#admit(first, configuration, persona);
    this.#persona = persona;
    const said = guard?.edit(configuration) ?? configuration;
    const instructed = persona ? realtime.applyPersona(said, persona) : said;
    const { model: _, type: __, ...bounded } = { ...instructed, ...onTerms(withoutEndless(instructed), terms?.edits) };
    if (Object.keys(bounded).length === 0) {
      this.client.release('opening');
      return text;
    }
    const eventId = makeEventId();
    this.#opening = { eventId, created: event };
    const kind = this.#start.model === undefined ? 'transcription' : 'realtime';
    this.forward({ type: 'session.update', event_id: eventId, session: { type: kind, ...bounded } });
    return undefined;
  }

  #noteUpdated(event: Body, text: string): string {
    const session = asObject(event.session) ?? {};
    this.#noteSession(session);
    const opening = this.#opening;
    if (!opening?.created) return text;
    this.#opening = undefined;
    this.client.release('opening');
    this.closeIfIdle();
    // The client sees a session that has begun with its configuration.
    return JSON.stringify({ ...opening.created, session });
  }

  #noteSession(session: Body): void {
    this.#session = session;
    this.#state = readState(session);
    this.#expectedState = this.#state;
  }

  async #noteError(event: Body, text: string): Promise<string | undefined> {
    const error = asObject(event.error) ?? {};
    const about = asString(error.event_id);
    if (this.#opening && about === this.#opening.eventId) {
      this.client.send(text);
      const message = `the provider does not take the configuration of the session: ${asString(error.message) ?? ''}`;
      this.end(new ProxyError('upstream_refused', { message }), 1011);
      return undefined;
    }
    const at = this.#expected.findIndex(({ eventId }) => eventId === about);
    const [refused] = at === -1 ? [] : this.#expected.splice(at, 1);
    if (!refused) return text;
    await refused.response.settle({ status: 'failed', hasBegun: false, errorCode: errorCodeOf(error) });
    this.closeIfIdle();
    return JSON.stringify({ ...event, error: { ...error, event_id: refused.shown } });
  }

  /** Speech has begun, and what it may cause is reserved before it can cost anything. */
  #expectSpeech(): void {
    this.#expectTranscription(this.#state);
    if (!this.#state.createsResponses || this.#standby) return;
    this.#standby = this.#identify().then((identified) => this.#openResponse(identified, nothingStated, undefined));
    this.#standby.catch((error) => {
      this.#standby = undefined;
      this.fail(error);
    });
  }

  async #noteBegun(id: string | null): Promise<void> {
    const response = this.#expected.shift()?.response ?? (await this.#takeStandby());
    if (id === null || this.isOver) {
      await response.settle({ status: 'interrupted', hasBegun: true });
      return;
    }
    // Its own rules judge it, so that its record has what they found.
    const { output } = response.asked.guard ?? {};
    if (output && this.#underWay.size === 0) this.#useGuard(new FrameGuard(output));
    this.#underWay.set(id, response);
    if (this.isLeaving) this.forward({ type: 'response.cancel', response_id: id });
  }

  /** What the provider has begun by itself. Whatever may be refused, it has a record. */
  async #takeStandby(): Promise<GovernedResponse> {
    const standby = this.#standby;
    this.#standby = undefined;
    try {
      if (standby) return await standby;
      return await this.#openResponse(await this.#identify(), nothingStated, undefined);
    } catch (error) {
      this.fail(error);
      this.forward({ type: 'response.cancel' });
      const { model, key } = this.#start;
      const asked = this.#askedOf(this.opened.first, this.#turnId);
      return openLate(this.#accounting(), {
        ...{ ...asked, operation: realtime.name, model, persona: this.#persona, guard: undefined, key },
        ...{ body: this.#state.inherited, input: () => '{}' },
      });
    }
  }

  async #noteDone(done: Body): Promise<void> {
    const reading = readRealtimeResponse(done);
    const id = reading.responseId ?? '';
    const response = this.#underWay.get(id) ?? (await this.#takeStandby());
    const details = asObject(done.status_details);
    const isCancelled = reading.state === 'cancelled';
    const status = this.isLeaving || isCancelled ? 'cancelled' : reading.failed ? 'failed' : 'completed';
    const errorCode = this.isLeaving ? 'client_disconnected' : isCancelled ? asString(details?.reason) : null;
    const output = await this.#recorded(response, done);
    await response.settle({
      ...{ status, hasBegun: true, reading },
      ...(output !== undefined && { output }),
      ...(errorCode !== null && { errorCode }),
      model: this.#start.providerModel ?? null,
    });
    this.#underWay.delete(id);
    this.closeIfIdle();
  }

  /** The answer as the rules left it. Undefined where they do not let it pass. */
  async #recorded({ asked }: GovernedResponse, done: Body): Promise<string | undefined> {
    const { output } = asked.guard ?? {};
    const changed = await output?.answer(done);
    return output?.problem() ? undefined : JSON.stringify(changed ?? done);
  }

  #expectTranscription({ transcriber }: SessionState): void {
    if (transcriber === undefined || this.#transcription) return;
    this.#transcription = this.#openTranscription(transcriber);
    this.#transcription.catch((error) => {
      this.#transcription = undefined;
      this.fail(error);
    });
  }

  async #openTranscription(model: string): Promise<GovernedResponse> {
    const identified = await this.#identify();
    this.#requireTranscriber(identified.inForce.snapshot, model);
    return openResponse(this.#accounting(), this.#askedTranscription(identified, model));
  }

  async #bindTranscription(itemId: string | null): Promise<void> {
    if (this.#state.transcriber === undefined || itemId === null) return;
    this.#expectTranscription(this.#state);
    const expected = await this.#transcription?.catch(() => undefined);
    this.#transcription = undefined;
    if (expected) this.#transcriptions.set(itemId, expected);
  }

  async #noteTranscript(event: Body, hasFailed: boolean): Promise<void> {
    const itemId = asString(event.item_id) ?? '';
    const model = this.#state.transcriber;
    const response =
      this.#transcriptions.get(itemId) ??
      (await openLate(this.#accounting(), this.#askedTranscription(this.opened.first, model)));
    const transcript = asString(event.transcript) ?? '';
    this.#remember({ type: 'message', role: 'user', content: [{ type: 'input_text', text: transcript }] });
    const reading = { ...readRealtimeResponse(null), usage: readTranscriptionUsage(event.usage) };
    await response.settle({
      status: this.isLeaving ? 'cancelled' : hasFailed ? 'failed' : 'completed',
      ...{ hasBegun: true, reading, model: model ?? null },
      ...(hasFailed && { errorCode: errorCodeOf(event.error) }),
      output: JSON.stringify({ text: transcript }),
    });
    this.#transcriptions.delete(itemId);
    this.closeIfIdle();
  }

  #askedTranscription(identified: Identified, model: string | undefined): Asked {
    return {
      ...this.#askedOf(identified, this.#turnId),
      ...{ operation: 'transcriptions', model, modelAlias: undefined, persona: undefined, guard: undefined },
      ...{ body: { model }, input: () => JSON.stringify({ model }) },
    };
  }

  #askedOf(identified: Identified, turnId: string) {
    const { key, modelAlias } = this.#start;
    const context = contextOf(identified, this.opened.share, turnId);
    return { context, key, modelAlias, previousResponseId: undefined };
  }

  #accounting() {
    const { pipeline, settlement } = this.context;
    return { reserve: pipeline.reserve, settlement };
  }

  #remember(item: Body): void {
    this.#said.push(withoutSound(item));
    if (this.#said.length > maxRemembered) this.#said.shift();
  }

  /** Sends an event to the client, when the rules about answers let it pass. */
  async #show(text: string, type: string): Promise<void> {
    if (!this.#guard) {
      this.client.send(text);
      return;
    }
    for (const message of this.#guard.push(text)) this.client.send(message);
    const problem = this.#guard.problem();
    if (problem) {
      this.forward({ type: 'response.cancel' });
      this.#guard = undefined;
      this.note(problem);
      this.close(problem, 1008);
      return;
    }
    // Each response has rules that begin anew, so that its record has its own hits.
    if (type === 'response.done' && this.#underWay.size === 0) await this.#openGuard(this.context.inForce());
  }

  protected errorEvent(problem: ProxyError, eventId: string | null): object {
    return errorEvent(problem, eventId);
  }

  protected cancelAll(): void {
    for (const id of this.#underWay.keys()) this.forward({ type: 'response.cancel', response_id: id });
  }

  protected takeUnsettled(): readonly GovernedResponse[] {
    const asked = this.#expected.splice(0).map(({ response }) => response);
    const unsettled = [...asked, ...this.#underWay.values(), ...this.#transcriptions.values()];
    this.#underWay.clear();
    this.#transcriptions.clear();
    return unsettled;
  }

  /** What was reserved for speech that caused nothing. */
  protected async withdrawAll(): Promise<void> {
    const reserved = [this.#standby, this.#transcription];
    this.#standby = undefined;
    this.#transcription = undefined;
    for (const each of reserved) (await each?.catch(() => undefined))?.withdraw();
  }
}

/** @throws {ProxyError} `guardrail_blocked` where a rule that blocks would have to read what it cannot */
function requireReadable(guard: CallGuard | undefined, side: 'Input' | 'Output'): void {
  const problem = guard?.unreadable(side);
  if (problem) throw problem;
}

function requireSpelling({ lookalike, isTooDeep }: CallFields): void {
  if (isTooDeep) throw new ProxyError('invalid_request', { message: 'the event is nested too deep' });
  if (!lookalike) return;
  const message = `${lookalike.field.slice(0, 200)} must be written ${lookalike.meant}`;
  throw new ProxyError('invalid_request', { param: lookalike.field.slice(0, 200), message });
}

/** `inf` is the same as no bound. */
function withoutEndless(stated: Body): Body {
  if (stated.max_output_tokens !== 'inf') return stated;
  const { max_output_tokens: _, ...bounded } = stated;
  return bounded;
}

function withoutSound(item: Body): Body {
  const { content } = item;
  if (!Array.isArray(content)) return item;
  return {
    ...item,
    content: content.map((part) => {
      const { audio: _, image_url: __, ...rest } = asObject(part) ?? {};
      return rest;
    }),
  };
}

function asItems(input: unknown): Body[] | undefined {
  if (!Array.isArray(input)) return undefined;
  return input.flatMap((item) => {
    const one = asObject(item);
    return one ? [withoutSound(one)] : [];
  });
}

/** Objects are merged field by field, as the provider does; everything else is replaced. */
function merged(into: Body, changes: Body): Body {
  const result: Record<string, unknown> = { ...into };
  for (const [name, value] of Object.entries(changes)) {
    const [before, after] = [asObject(result[name]), asObject(value)];
    result[name] = before && after ? merged(before, after) : value;
  }
  return result;
}

function makeTurnId(): string {
  return `turn_${randomHex(12)}`;
}
