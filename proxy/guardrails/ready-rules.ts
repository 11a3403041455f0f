import type { ProxyError } from '../error.ts';
import { asObject, asString, type Body } from '../providers/json.ts';
import { type CallFacts, type CallMatch, type FitsCall, makeCallMatch } from '../snapshot/call-match.ts';
import type { CallGuard, GuardedCall, GuardrailsOptions, ReadyRules } from './call-guard.ts';
import type { Placeholders } from './detect/placeholders.ts';
import { type Judgement, type JudgeOptions, judge } from './judge.ts';
import { lookOf } from './look-of.ts';
import { AnswerGuard } from './output/answer-guard.ts';
import type { OutputGuard } from './output/output-guard.ts';
import { problemOf, unheldInConversationOf, unheldOf, unreadableOf } from './problem.ts';
import { reviewable } from './reviewed.ts';
import { type Action, isAbout, type Look, type Rule, type RuleSpec, type Side } from './rule.ts';
import { detectorOf } from './rule-detector.ts';
import { type Path, readTexts, withTexts } from './texts/passages.ts';
import { namedPlaceholders, Values } from './values.ts';

interface ReadyRule extends Rule {
  readonly fits: FitsCall;
  /** Whether it fits by everything but its model. */
  readonly fitsAnyModel: FitsCall;
  close?(): Promise<void>;
}

/** Compiles the rules. One that cannot be used lets nothing pass, unless it only reports. */
export async function readyRules(specs: readonly RuleSpec[], options: GuardrailsOptions): Promise<ReadyRules> {
  const rules = await Promise.all(specs.map((spec) => readyRule(spec, options)));
  const values = new Values();
  const someReview = rules.some(({ action }) => action === 'Review');
  return {
    check(call) {
      const facts: CallFacts = { ...call, workload: options.workload };
      const matching = rules.filter(({ fits, fitsAnyModel }) => (call.isAnyModel ? fitsAnyModel(facts) : fits(facts)));
      const fitting = someReview ? matching.flatMap((rule) => asReviewed(rule, call)) : matching;
      return fitting.length === 0 ? undefined : new Guarding(call, fitting, values, options).check();
    },
    close: async () => {
      for (const rule of rules) await rule.close?.();
    },
  };
}

async function readyRule(spec: RuleSpec, options: GuardrailsOptions): Promise<ReadyRule> {
  let look: Look & { close?(): Promise<void> } = { by: 'nothing' };
  try {
    look = await (options.makeLook ? options.makeLook(spec) : lookOf(spec, options));
  } catch (error) {
    options.onUnusable(spec.name, error);
  }
  const { close } = look;
  return {
    name: spec.name,
    detector: detectorOf(spec) ?? 'none',
    appliesTo: spec.appliesTo,
    action: spec.action,
    restores: spec.restore,
    look,
    fits: makeCallMatch(spec.match),
    fitsAnyModel: makeCallMatch(withoutModels(spec.match)),
    ...(close && { close }),
  };
}

/** The rule on a call whose answer may not be one that people review. */
function asReviewed(rule: ReadyRule, { review, operation, snapshot }: GuardedCall): readonly Rule[] {
  if (rule.action !== 'Review') return [rule];
  if (review === 'done') return [];
  // What cannot be held does not pass.
  const isHeld = review !== undefined && reviewable.has(operation) && snapshot.storesContents;
  return [isHeld ? rule : { ...rule, action: 'Block', cannotHold: true }];
}

function withoutModels(match: CallMatch | undefined): CallMatch | undefined {
  if (match === undefined) return undefined;
  const { models: _, ...rest } = match;
  return rest;
}

const noEdits: ReadonlyMap<Path, string> = new Map();

/** The rules on one call. */
class Guarding {
  readonly #call: GuardedCall;
  readonly #rules: readonly Rule[];
  readonly #values: Values;
  readonly #options: GuardrailsOptions;
  readonly #found = new Set<string>();
  readonly #hits = new Set<string>();
  /** The rule that holds the answer, since it has found something in what the caller says. */
  #holding: Rule | undefined;
  #heldBy: Pick<Rule, 'name' | 'detector'> | undefined;
  #inputNames: Placeholders | undefined;
  #outputNames: Placeholders | undefined;

  constructor(call: GuardedCall, rules: readonly Rule[], values: Values, options: GuardrailsOptions) {
    this.#call = call;
    this.#rules = rules;
    this.#values = values;
    this.#options = options;
  }

  /** @throws {ProxyError} where the call may not be made */
  check(): CallGuard | Promise<CallGuard> {
    const { said, foundBefore = [] } = this.#call;
    const rules = this.#rules.filter((rule) => isAbout(rule, 'Input'));
    this.#holding = rules.find(({ action, name }) => action === 'Review' && foundBefore.includes(name));
    this.#requireHoldable(this.#rules, 'Output');
    if (said === undefined || rules.length === 0) return this.#guard(noEdits);
    const judgement = judge(readTexts(said), rules, this.#judging('Input', this.#call.isRewritable));
    return judgement instanceof Promise ? judgement.then((found) => this.#admit(found)) : this.#admit(judgement);
  }

  #admit({ hits, failures, blockedBy, hasFailed, edits }: Judgement): CallGuard {
    for (const rule of hits) this.#note(rule, 'Input', rule === blockedBy ? 'Block' : rule.action);
    for (const rule of failures) this.#note(rule, 'Input', 'Error');
    if (blockedBy && !hasFailed) this.#options.onBlocked?.(this.#call, [...this.#hits]);
    if (blockedBy) throw problemOf(blockedBy, 'Input', hasFailed);
    this.#requireHoldable(hits, 'Input');
    this.#holding ??= hits.find(({ action }) => action === 'Review');
    return this.#guard(edits);
  }

  /** @throws {ProxyError} where one of these rules would hold an answer that can be read elsewhere */
  #requireHoldable(rules: readonly Rule[], side: Side): void {
    const { review, said } = this.#call;
    if (review !== 'hold' || said?.conversation == null) return;
    const rule = rules.find((one) => one.action === 'Review' && isAbout(one, side));
    if (rule) throw unheldInConversationOf(rule, 'Output');
  }

  #guard(edits: ReadonlyMap<Path, string>): CallGuard {
    return {
      isEditing: () => edits.size > 0,
      edit: (body) => withTexts(body, edits),
      hits: () => [...this.#hits],
      unreadable: (side) => this.#unreadable(side),
      unheld: () => this.#unheld(),
      heldBy: () => this.#heldBy,
      mayHold: () => this.#rules.some(({ action }) => action === 'Review'),
      output: this.#outputGuard(),
    };
  }

  #unreadable(side: Side): ProxyError | undefined {
    const rule = this.#rules.find(
      ({ look, action, ...one }) => isAbout(one, side) && action !== 'Report' && look.by !== 'length',
    );
    return rule && unreadableOf(rule, side);
  }

  #unheld(): ProxyError | undefined {
    const needsAll = new Set(['shape', 'service', 'nothing']);
    const rule = this.#rules.find(
      ({ look, action, ...one }) => isAbout(one, 'Output') && action !== 'Report' && needsAll.has(look.by),
    );
    return rule && unheldOf(rule);
  }

  #outputGuard(): OutputGuard | undefined {
    const rules = this.#rules.filter((rule) => isAbout(rule, 'Output'));
    const restored = this.#restored();
    const holding = this.#holding;
    if (rules.length === 0 && !restored && !holding) return undefined;
    const call = this.#call;
    const { hold } = this.#options;
    return new AnswerGuard({
      rules,
      restored,
      operation: call.operation,
      textIsJson: asksForJson(call.said ?? call.admitted),
      holding: call.review === 'hold' ? holding : undefined,
      hold: hold && call.review === 'hold' ? (rule, side, answer) => hold({ call, rule, side, answer }) : undefined,
      judging: this.#judging('Output', true),
      onHit: (rule) => this.#note(rule, 'Output', rule.action),
      onFailure: (rule) => this.#note(rule, 'Output', 'Error'),
      problemOf: (rule, hasFailed): ProxyError => problemOf(rule, 'Output', hasFailed),
    });
  }

  #restored(): Placeholders | undefined {
    const holder = this.#holder();
    if (!this.#rules.some(({ restores }) => restores) || !this.#values.hasRestored(holder)) return undefined;
    return this.#values.restored(holder);
  }

  #judging(side: Side, isRewritable: boolean): JudgeOptions {
    const { operation, model, key } = this.#call;
    return {
      isRewritable,
      call: { side, operation, model, key },
      substitute: (rule, kind, value) => this.#placeholders(rule, side).replace(kind, value),
    };
  }

  #placeholders(rule: Rule, side: Side): Placeholders {
    if (side === 'Output') {
      this.#outputNames ??= namedPlaceholders(this.#holder(), 'output');
      return this.#outputNames;
    }
    if (rule.restores) return this.#values.restored(this.#holder());
    this.#inputNames ??= namedPlaceholders(this.#holder(), 'input');
    return this.#inputNames;
  }

  #holder() {
    const { envelope, user, userId, sessionId, snapshot } = this.#call;
    return { organizationId: snapshot.organizationId, envelope, user, userId, sessionId };
  }

  /** Counts a rule once for each side of the call. */
  #note({ name, detector }: Rule, side: Side, action: Action | 'Error'): void {
    if (action === 'Review') this.#heldBy ??= { name, detector };
    const seen = `${name} ${side} ${action === 'Error' ? action : ''}`;
    if (this.#found.has(seen)) return;
    this.#found.add(seen);
    this.#options.onFinding({ rule: name, detector, side, action }, this.#call.requestId);
    if (action !== 'Error') this.#hits.add(name);
  }
}

/** Whether the model is told to answer in JSON, so that its texts may have escapes. */
function asksForJson(body: Body | undefined): boolean {
  const format = asObject(body?.response_format) ?? asObject(asObject(body?.text)?.format);
  return asString(format?.type)?.startsWith('json') === true;
}
