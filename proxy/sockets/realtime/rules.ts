import { type CallFields, readCallFields } from '../../../crds/read-call-fields.ts';
import type { Admitted } from '../../calls/admit/admission.ts';
import { admitModel, admitPersona } from '../../calls/admit/admit.ts';
import type { Identified, InForce } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import type { CallGuard, GuardedCall } from '../../guardrails/call-guard.ts';
import { realtime, realtimeTranscription } from '../../operations/realtime.ts';
import type { Body } from '../../providers/json.ts';
import type { Persona, Snapshot } from '../../snapshot/snapshot.ts';
import { FrameGuard } from '../frame-guard.ts';
import { contextOf } from '../governed-response.ts';
import type { Opened, SessionContext } from '../session.ts';
import type { RealtimeStart } from './start.ts';
import { hasMedia, transcriberOf } from './state.ts';

/** What the Organization allows in a session: models, personas, and guardrails. */
export class SessionRules {
  readonly #context: SessionContext;
  readonly #opened: Opened;
  readonly #start: RealtimeStart;
  /** Instructs the session. Undefined: its client does. */
  #persona: Persona | undefined;

  constructor(context: SessionContext, opened: Opened, start: RealtimeStart) {
    this.#context = context;
    this.#opened = opened;
    this.#start = start;
  }

  persona(): Persona | undefined {
    return this.#persona;
  }

  usePersona(persona: Persona | undefined): void {
    this.#persona = persona;
  }

  /** Finds the persona that an event names. @throws {ProxyError} where the caller may not use it */
  findPersona({ caller, inForce }: Identified, id: unknown): Persona | undefined {
    return id === undefined ? undefined : admitPersona(inForce.snapshot, caller, id);
  }

  /**
   * Looks at what is in force now.
   *
   * @returns the persona's new instructions. Undefined: they are the same
   * @throws {ProxyError} where the model or the persona is not allowed any more
   */
  review(snapshot: Snapshot): string | undefined {
    const { model, modelAlias } = this.#start;
    if (model !== undefined) admitModel(snapshot, model, modelAlias);
    const former = this.#persona;
    if (!former) return undefined;
    const persona = admitPersona(snapshot, this.#opened.first.caller, former.id);
    this.#persona = persona;
    return persona.content === former.content ? undefined : persona.content;
  }

  /** The instructions are the persona's, where the session has one. A new persona also brings its parameters. */
  instruct(stated: Body, fresh: Persona | undefined): Body {
    if (fresh) return realtime.applyPersona(stated, fresh);
    return this.#persona && 'instructions' in stated ? { ...stated, instructions: this.#persona.content } : stated;
  }

  /** Checks a session or a response, as a call. @throws {ProxyError} */
  async admit(identified: Identified, stated: Body, persona: Persona | undefined): Promise<Admitted> {
    const { model, key } = this.#start;
    const { snapshot } = identified.inForce;
    const operation = model === undefined ? realtimeTranscription : realtime;
    const transcriber = transcriberOf(stated);
    if (transcriber !== undefined) this.requireTranscriber(snapshot, transcriber);
    const fields = readCallFields(stated);
    requireSpelling(fields);
    const body = withoutEndless(persona ? realtime.applyPersona(stated, persona) : stated);
    return this.#context.pipeline.admit({
      context: contextOf(identified, this.#opened.share, undefined),
      operation,
      body: model === undefined ? body : { ...body, model },
      said: stated,
      isRewritable: true,
      otherModels: fields.models,
      references: fields.references,
      fixed: { key, param: 'model' },
    });
  }

  /** @throws {ProxyError} `model_not_allowed` */
  requireTranscriber(snapshot: Snapshot, model: string): void {
    admitModel(snapshot, model);
    if (this.#start.key.servesModel(model)) return;
    const message = `the key of the session does not serve the model ${JSON.stringify(model.slice(0, 200))}`;
    throw new ProxyError('model_not_allowed', { param: 'session.audio.input.transcription.model', message });
  }

  /** Checks the texts of an event that is no response. @returns undefined where no guardrail is for the session */
  async checkText(said: Body): Promise<CallGuard | undefined> {
    return this.#context.guardrails.check({ ...this.#guarded(this.#context.inForce()), said });
  }

  /** Checks an item of the conversation. @returns it as guardrails left it */
  async admitItem(item: Body): Promise<Body> {
    if (hasMedia(item)) this.requireReadableInput();
    return (await this.checkText(item))?.edit(item) ?? item;
  }

  /** @throws {ProxyError} where a guardrail would have to read sound or pictures of the caller */
  requireReadableInput(): void {
    const checked = this.#context.guardrails.check({ ...this.#guarded(this.#context.inForce()), said: undefined });
    // The rules are loaded since the session was opened.
    if (!(checked instanceof Promise)) requireReadable(checked, 'Input');
  }

  /** Makes what judges the provider's messages. Undefined: no rule is about them. */
  async openGuard(inForce: InForce): Promise<FrameGuard | undefined> {
    const guard = await this.#context.guardrails.check({ ...this.#guarded(inForce), said: undefined });
    return guard?.output && new FrameGuard(guard.output);
  }

  #guarded({ snapshot, envelope }: InForce): Omit<GuardedCall, 'said'> {
    const { first, share } = this.#opened;
    const { user, userId, sessionId } = first.caller;
    const { model, key } = this.#start;
    const { requestId } = contextOf(first, share, undefined);
    return {
      ...{ requestId, snapshot, envelope, operation: realtime.name, model, key, isRewritable: true },
      ...{ user, userId, sessionId },
    };
  }
}

/** @throws {ProxyError} `guardrail_blocked` where a rule that blocks would have to read what it cannot */
export function requireReadable(guard: CallGuard | undefined, side: 'Input' | 'Output'): void {
  const problem = guard?.unreadable(side);
  if (problem) throw problem;
}

/** `inf` is the same as no bound. */
export function withoutEndless(stated: Body): Body {
  if (stated.max_output_tokens !== 'inf') return stated;
  const { max_output_tokens: _, ...bounded } = stated;
  return bounded;
}

function requireSpelling({ lookalike, isTooDeep }: CallFields): void {
  if (isTooDeep) throw new ProxyError('invalid_request', { message: 'the event is nested too deep' });
  if (!lookalike) return;
  const message = `${lookalike.field.slice(0, 200)} must be written ${lookalike.meant}`;
  throw new ProxyError('invalid_request', { param: lookalike.field.slice(0, 200), message });
}
