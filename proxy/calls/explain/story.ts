import type { CacheLook } from '../../cache/cache-look.ts';
import type { ProxyError } from '../../error.ts';
import type { Persona } from '../../snapshot/snapshot.ts';
import type { CheckName, Judged } from '../admit/admission.ts';
import type { CallContext } from '../context.ts';
import type { CallNeeds } from '../reserve/call-needs.ts';
import { decidersOfRefusal } from './decide-refusal.ts';
import {
  aliasDeciders,
  modelDeciders,
  modelRuleDeciders,
  ofBinding,
  ofOrganization,
  ofPersona,
  ofProvider,
} from './deciders.ts';
import {
  type Bounds,
  type Decider,
  type Explanation,
  type GuardrailUse,
  type Step,
  type StepName,
  stepNames,
  type Terms,
} from './explanation.ts';
import type { LimitsLook } from './look-at-limits.ts';
import { guardrailUses, type LookingGuardrails } from './look-by-guardrails.ts';
import type { ExplainOptions, ExplainQuestion } from './question.ts';
import { routeChoices } from './route-choices.ts';

/** What is found about a call, step by step. */
export class Story {
  readonly #options: ExplainOptions;
  readonly #question: ExplainQuestion;
  readonly #guardrails: LookingGuardrails;
  readonly #passed = new Set<StepName | CheckName>();
  #context: CallContext | undefined;
  #judged: Judged | undefined;
  #persona: Persona | undefined;
  #cache: CacheLook | undefined;
  #limits: LimitsLook | undefined;
  #refusal: ProxyError | undefined;
  needs: CallNeeds | undefined;

  constructor(options: ExplainOptions, question: ExplainQuestion, guardrails: LookingGuardrails) {
    this.#options = options;
    this.#question = question;
    this.#guardrails = guardrails;
  }

  knowCaller(context: CallContext): void {
    this.#context = context;
    this.passed('caller');
  }

  knowPersona(persona: Persona | undefined): void {
    this.#persona = persona;
  }

  /** The call can be carried to its provider. @param look undefined: there is no cache */
  knowCache(look: CacheLook | undefined): void {
    this.passed('provider');
    this.passed('cache');
    this.#cache = look;
  }

  passed(step: StepName | CheckName, judged?: Judged): void {
    this.#passed.add(step);
    if (judged) this.#judged = judged;
  }

  tellLimits(limits: LimitsLook): void {
    this.#limits = limits;
    if (limits.refusal) this.refuse(limits.refusal);
    else this.passed('limits');
  }

  refuse(error: ProxyError): void {
    this.#refusal = error;
  }

  tell(): Explanation {
    const { operation, headers, identity } = this.#question;
    const { caller } = this.#context ?? {};
    const refusedAt = this.#refusedAt();
    const at = refusedAt === undefined ? stepNames.length : stepNames.indexOf(refusedAt);
    const steps = stepNames.map((check, index): Step => {
      if (index > at) return { check, result: 'not_reached', detail: '', decidedBy: [] };
      if (index === at) {
        return {
          check,
          result: 'refused',
          detail: this.#refusal?.message ?? '',
          decidedBy: decidersOfRefusal(check, {
            question: this.#question,
            judged: this.#judged,
            refusal: this.#refusal,
            persona: this.#personaOfBody(),
            findings: this.#guardrails.findings,
            limits: this.#limits,
          }),
        };
      }
      return this.#step(check);
    });
    const judged = this.#judged;
    return {
      operation: operation.name,
      user: caller?.user ?? identity.user ?? (typeof headers['x-user-id'] === 'string' ? headers['x-user-id'] : null),
      session: caller?.sessionId ?? '',
      model: judged?.model ?? null,
      refusal: this.#refusal,
      decidedBy: steps[at]?.decidedBy ?? [],
      steps,
      route: judged?.key ? routeChoices(judged, this.#options.providers, this.#options.health) : [],
      rules: this.#limits?.rules ?? [],
      guardrails: at < stepNames.indexOf('guardrails') ? [] : this.#guardrailUses(),
      cache: this.#cache,
      bounds: this.#isReplayed() ? undefined : this.#bounds(),
      terms: this.#refusal || this.#isReplayed() ? undefined : this.#terms(),
      notes: this.#notes(),
    };
  }

  /** The step that refuses the call: the first that did not let it pass. */
  #refusedAt(): StepName | undefined {
    if (!this.#refusal) return undefined;
    const { code } = this.#refusal;
    if (code === 'persona_not_found' || code === 'persona_not_supported') return 'persona';
    // A call that names no model is judged once its key is known.
    if (this.#passed.has('key') && !this.#passed.has('any-model')) return 'models';
    return stepNames.find((name) => !this.#passed.has(name));
  }

  #facts({ context, operation, model }: Judged) {
    return { model, operation: operation.name, user: context.caller.user, workload: this.#question.origin };
  }

  /** Whether the cache answers, so that no provider is asked. */
  #isReplayed(): boolean {
    return this.#cache?.result === 'hit';
  }

  #bounds(): Bounds | undefined {
    if (!this.needs) return undefined;
    const { input, output } = this.needs.tokens();
    return { inputTokens: input, outputTokens: output, nanoUsd: this.needs.nanoUsd() ?? null };
  }

  #terms(): Terms | undefined {
    const key = this.#judged?.key;
    if (!key) return undefined;
    const { connectTimeoutMs, headersTimeoutMs, idleTimeoutMs, totalTimeoutMs, repeats } = key.provider;
    const { attempts, withinMs } = this.#question.context.inForce.snapshot.retries;
    return {
      connectMs: connectTimeoutMs ?? null,
      headersMs: headersTimeoutMs,
      idleMs: idleTimeoutMs,
      totalMs: totalTimeoutMs ?? null,
      attempts,
      withinMs,
      repeats,
    };
  }

  /** A step that let the call pass. */
  #step(check: StepName): Step {
    const { snapshot } = this.#question.context.inForce;
    const judged = this.#judged;
    const model = judged?.model;
    const pass = (detail: string, decidedBy: readonly Decider[] = []): Step => ({
      check,
      result: 'passed',
      detail,
      decidedBy,
    });
    switch (check) {
      case 'caller':
        return pass(`user ${this.#context?.caller.user ?? '(none)'}`);
      case 'surface':
        return pass(
          `the API ${this.#question.operation.surface}`,
          snapshot.surfaces ? [ofOrganization(snapshot, 'spec.surfaces')] : [],
        );
      case 'body':
        return pass('every parser reads it alike');
      case 'persona': {
        const persona = this.#persona ?? this.#personaOfBody();
        return persona ? pass(`persona ${persona.name}`, [ofPersona(persona, 'spec.users')]) : pass('none is named');
      }
      case 'alias':
      case 'defaults':
      case 'ceilings':
        return pass(...this.#modelRules(check));
      case 'fields':
        return pass(model === undefined ? 'the provider chooses the model' : `model ${model}`);
      case 'models':
        if (model === undefined) return pass('every model is allowed');
        return pass(
          snapshot.spec.models ? `${model} is allowed` : 'every model is allowed',
          [model, ...(judged?.otherModels ?? [])].flatMap((name) => modelDeciders(snapshot, name)),
        );
      case 'references':
        return pass(judged?.references.length ? `${judged.references.length} of the caller’s own` : 'none');
      case 'key': {
        const key = judged?.key;
        if (!key) return pass('');
        return pass(`${key.binding} at provider ${key.provider.name}`, [
          ofBinding(key),
          ofProvider(snapshot, key.provider.name),
        ]);
      }
      case 'guardrails':
        return this.#guardrailStep();
      case 'lines':
        if (this.#question.operation.name !== 'batches') return pass('no batch');
        return {
          check,
          result: 'unknown',
          detail: 'the lines are in a file at the provider, which is not read',
          decidedBy: [],
        };
      case 'provider':
        return pass(judged?.key ? `the call can be carried to ${judged.key.provider.name}` : '');
      case 'cache':
        return this.#cacheStep();
      case 'limits':
        return this.#limitStep();
    }
  }

  /** What the rules about models made of the body, and the fields that say so. */
  #modelRules(check: 'alias' | 'defaults' | 'ceilings'): [detail: string, decidedBy: readonly Decider[]] {
    const { snapshot } = this.#question.context.inForce;
    const { terms, context, body } = this.#judged ?? {};
    if (check === 'alias') {
      if (terms?.alias === undefined || !context) return ['the model is named itself', []];
      const decidedBy = aliasDeciders(snapshot, terms.alias, context.caller, this.#question.origin);
      return [`${terms.alias} stands for ${String(body?.model)}`, decidedBy];
    }
    if (check === 'defaults') {
      const { defaults = [] } = terms ?? {};
      const decidedBy = defaults.flatMap(({ entry, name }) =>
        modelRuleDeciders(snapshot, 'defaults', [entry], `.${name}`),
      );
      return [defaults.length === 0 ? 'none is set' : `set: ${defaults.map(({ name }) => name).join(', ')}`, decidedBy];
    }
    const { lowered = [] } = terms ?? {};
    const decidedBy = modelRuleDeciders(
      snapshot,
      'ceilings',
      lowered.map(({ ceiling }) => ceiling),
    );
    const told = lowered.map(({ field, allowed }) => `${field} to ${allowed}`);
    return [told.length === 0 ? 'none is reached' : `set ${told.join(', ')}`, decidedBy];
  }

  /** What of the body would name a persona, where the call is refused before it is known. */
  #personaOfBody(): Persona | undefined {
    const { persona_id: id } = this.#question.body;
    return typeof id === 'string' ? this.#question.context.inForce.snapshot.personas.get(id.toLowerCase()) : undefined;
  }

  #guardrailUses(): GuardrailUse[] {
    const { snapshot } = this.#question.context.inForce;
    return this.#judged ? guardrailUses(snapshot, this.#facts(this.#judged), this.#guardrails.findings) : [];
  }

  #guardrailStep(): Step {
    const uses = this.#guardrailUses();
    const decidedBy = uses.map(({ decidedBy: by }) => by);
    const untold = uses.filter(({ finds, appliesTo }) => finds === null && appliesTo !== 'Output');
    const found = uses.filter(({ finds }) => finds).map(({ name, action }) => `${name} (${action})`);
    const detail = [
      uses.length === 0 ? 'none is for the call' : `${uses.length} for the call`,
      ...(found.length > 0 ? [`found something: ${found.join(', ')}`] : []),
      ...(untold.length > 0 ? [`not asked: ${untold.map(({ name }) => name).join(', ')}`] : []),
    ].join('; ');
    return { check: 'guardrails', result: untold.length > 0 ? 'unknown' : 'passed', detail, decidedBy };
  }

  #cacheStep(): Step {
    const { snapshot } = this.#question.context.inForce;
    const look = this.#cache;
    const told = (result: Step['result'], detail: string, field = 'spec.cache'): Step => ({
      ...{ check: 'cache', result, detail, decidedBy: [ofOrganization(snapshot, field)] },
    });
    switch (look?.result) {
      case undefined:
        return { check: 'cache', result: 'passed', detail: 'there is none', decidedBy: [] };
      case 'hit':
        return told('passed', `hit: the answer of ${Math.floor(look.ageMs / 1_000)} s ago is replayed`);
      case 'miss':
        return told('passed', 'miss: the provider is asked, and its answer may be kept');
      case 'unknown':
        return told('unknown', 'the call is for the cache; nobody could look whether its answer is there');
      case 'bypass':
        return told('passed', `bypass: ${look.because}`, look.field);
    }
  }

  #limitStep(): Step {
    const { rules = [], changes } = this.#limits ?? {};
    const reported = rules.filter(({ wouldExceed, isEnforced }) => wouldExceed && !isEnforced).map(({ name }) => name);
    const detail = [
      rules.length === 0
        ? 'none counts the call'
        : `${rules.length} ${rules.length === 1 ? 'counts' : 'count'} the call`,
      ...(reported.length > 0 ? [`would refuse if they were enforced: ${reported.join(', ')}`] : []),
      ...Object.entries(changes ?? {}).map(([field, value]) => `a budget lowers ${field} to ${String(value)}`),
    ].join('; ');
    return { check: 'limits', result: 'passed', detail, decidedBy: rules.map(({ decidedBy }) => decidedBy) };
  }

  #notes(): string[] {
    const { headers, operation } = this.#question;
    const notes: string[] = [];
    if (!this.#refusal && operation.name === 'batches')
      notes.push('Limits and budgets count each line of a batch; one call is assumed here.');
    if (!this.#refusal && this.#judged?.key && this.#context?.inForce.snapshot.hasWeights) {
      notes.push('Providers share calls by weight, so another call may go to another one.');
    }
    const holding = this.#guardrails.findings.find(({ action }) => action === 'Review');
    if (!this.#refusal && holding) {
      notes.push(`The guardrail ${JSON.stringify(holding.rule)} would hold the answer until a person releases it.`);
    }
    if (headers['x-session-id'] === undefined) notes.push('No session is named, so rules per session see a new one.');
    return notes;
  }
}
