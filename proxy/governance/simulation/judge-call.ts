import { type MatchedOperation, operationSurfaces } from '../../../crds/operation-surfaces.ts';
import { windowAt } from '../../../crds/rule-window.ts';
import { nobody } from '../../../database/ids.ts';
import type { RecordedCall } from '../../../database/recorded-calls.ts';
import {
  anyModelDeciders,
  modelDeciders,
  noKeyDeciders,
  ofOrganization,
  ofProvider,
  ruleDecider,
} from '../../calls/explain/deciders.ts';
import type { Decider } from '../../calls/explain/explanation.ts';
import { tokenCost } from '../../calls/reserve/cost-bound.ts';
import type { StatedRule } from '../../calls/reserve/rules.ts';
import { type ProblemCode, ProxyError } from '../../error.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import { providerTable } from '../../providers/table.ts';
import type { Counted } from '../../quota/counted.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import { costOf, isPriced } from './cost.ts';
import type { Ask, Counters } from './counters.ts';
import { mixOf, nextOf } from './route-mix.ts';
import type { Mix, MixedKey, View } from './view.ts';

/** A recorded call, with the name of its user. */
export interface ReplayedCall extends RecordedCall {
  readonly operation: OperationName;
  /** External id. Undefined: none, or it was erased. */
  readonly user: string | undefined;
}

/** What a configuration would have done with a call. */
export interface Verdict {
  /** Undefined: the call would have been made. */
  readonly refusal: Refusal | undefined;
  /** Rules that would have refused it, if they were enforced. */
  readonly reported: readonly Decider[];
  /** Whether a budget would have shortened its answer. */
  readonly isShortened: boolean;
  /** The model that it would have asked for. Null: the provider chooses. */
  readonly model: string | null;
  readonly mix: Mix;
  /** In dollars. Null: no price is known. */
  readonly costUsd: number | null;
}

export interface Refusal {
  readonly code: ProblemCode;
  /** The name of the rule. Null: it has none. */
  readonly name: string | null;
  readonly decidedBy: readonly Decider[];
}

/** A rule that is for a call, and what the call asks of it. */
interface RuleAsk extends Ask {
  readonly rule: StatedRule;
  readonly isOfKey: boolean;
  /** A smaller amount that would do. */
  smallest: number;
}

/** Judges recorded calls by a configuration, in order of time. */
export class Judge {
  readonly #inForce: (namespace: string | null) => View;
  readonly #counters: Counters;

  /** @param inForce what the recorded costs follow from */
  constructor(counters: Counters, inForce: (namespace: string | null) => View) {
    this.#counters = counters;
    this.#inForce = inForce;
  }

  /** Counts a call that was made before the period, by rules that have counted it. */
  count(view: View, call: ReplayedCall, hasCounted: (counted: Counted) => boolean): void {
    const { startedAtMs: atMs, durationMs, apiKeyId, costUsd } = call;
    this.#counters.advance(atMs);
    const key = apiKeyId === null ? undefined : view.snapshot.keys.get(apiKeyId);
    const asks = asksOf(view, call, key, undefined, costUsd === null ? null : Number(costUsd));
    this.#counters.take(
      asks.filter(({ counted }) => hasCounted(counted)),
      atMs,
      atMs + (durationMs ?? 0),
    );
  }

  judge(view: View, recorded: ReplayedCall): Verdict {
    this.#counters.advance(recorded.startedAtMs);
    const call = withModelOf(view, recorded);
    const { requestedModel: model } = call;
    const refusal = refusalByModel(view, call);
    if (refusal) return { ...nothing, model, refusal };
    const routed = route(view, call);
    if ('code' in routed) return { ...nothing, model, refusal: routed };
    const { mix, first } = routed;
    const costUsd = costOf(recorded, model, mix, view, this.#inForce(call.namespace));
    return { ...this.#limit(view, call, first, costUsd), model, mix, costUsd };
  }

  #limit(
    view: View,
    call: ReplayedCall,
    { key, sent }: MixedKey,
    costUsd: number | null,
  ): Pick<Verdict, 'refusal' | 'reported' | 'isShortened'> {
    const { startedAtMs: atMs, durationMs } = call;
    const asks = asksOf(view, call, key, sent, costUsd);
    const named = (ask: RuleAsk) => ruleDecider(view.snapshot, key, ask.rule, call.user, ask.isOfKey);
    const unpriced = asks.find(
      ({ counted, rule }) =>
        counted.unit === 'nano_usd' && !rule.allowsUnpriced && !isPriced(view, call, key.provider.name, sent),
    );
    if (unpriced) return { ...nothing, refusal: refusalBy(unpriced, named(unpriced)) };
    const short = asks.filter((ask) => this.#counters.left(ask, atMs) < ask.amount);
    const refusing = short.filter((ask) => ask.rule.enforces && this.#counters.left(ask, atMs) < ask.smallest);
    const [decisive] = refusing.toSorted((one, other) => endOf(other, atMs) - endOf(one, atMs));
    const reported = short.filter(({ rule }) => !rule.enforces).map(named);
    if (decisive) return { refusal: refusalBy(decisive, named(decisive)), reported, isShortened: false };
    const shortened = short.filter(({ rule }) => rule.enforces);
    for (const ask of shortened) ask.amount = Math.max(0, this.#counters.left(ask, atMs));
    this.#counters.take(asks, atMs, atMs + (durationMs ?? 0));
    return { refusal: undefined, reported, isShortened: shortened.length > 0 };
  }
}

const nothing = { refusal: undefined, reported: [], isShortened: false, mix: [], costUsd: null } as const;

function refusalBy({ rule }: RuleAsk, decider: Decider): Refusal {
  return {
    code: rule.kind === 'budget' ? 'insufficient_quota' : 'limit_reached',
    name: rule.name,
    decidedBy: [decider],
  };
}

/** The rule that refuses for the longest time is the one that a caller is told of. A place is free soon. */
function endOf({ counted: { unit, window } }: RuleAsk, atMs: number): number {
  return unit === 'concurrent' ? atMs : (windowAt(window, atMs).endMs ?? Number.POSITIVE_INFINITY);
}

/** The call with the model that its name stands for. */
function withModelOf({ aliases }: View, call: ReplayedCall): ReplayedCall {
  const asked = call.modelAlias ?? call.requestedModel;
  if (asked === null || (!aliases && call.modelAlias === null)) return call;
  const { user, namespace, workload, optimizationLevel } = call;
  const pod = namespace === null || workload === null ? undefined : { namespace, workload };
  const model = aliases?.resolve(asked, { user, workload: pod, level: optimizationLevel ?? undefined }) ?? asked;
  return model === call.requestedModel ? call : { ...call, requestedModel: model };
}

/** What does not depend on other calls: whether there is a user, the API, and the models. */
function refusalByModel(
  { snapshot }: View,
  { kind, operation, user, userId, requestedModel }: ReplayedCall,
): Refusal | undefined {
  // A worker's calls for articles have no user, and need none.
  if (kind === 'call' && user === undefined && userId === nobody && snapshot.requireUser) {
    return {
      code: 'user_required',
      name: null,
      decidedBy: [ofOrganization(snapshot, 'spec.authentication.requireUser')],
    };
  }
  const surface = isMatched(operation) ? operationSurfaces[operation] : undefined;
  if (kind === 'call' && surface && snapshot.surfaces && !snapshot.surfaces.has(surface)) {
    return { code: 'surface_not_allowed', name: surface, decidedBy: [ofOrganization(snapshot, 'spec.surfaces')] };
  }
  if (requestedModel === null || snapshot.allowsModel(requestedModel)) return undefined;
  return { code: 'model_not_allowed', name: null, decidedBy: modelDeciders(snapshot, requestedModel) };
}

function isMatched(operation: string): operation is MatchedOperation {
  return Object.hasOwn(operationSurfaces, operation);
}

/** Whether it is an operation of this version. */
export function isOperation(operation: string): operation is OperationName {
  return Object.values(providerTable).some(({ formats }) => Object.hasOwn(formats, operation));
}

function route(view: View, call: ReplayedCall): Refusal | { readonly mix: Mix; readonly first: MixedKey } {
  const { snapshot } = view;
  const { user, operation, startedAtMs: atMs, requestedModel, previousResponseId, apiKeyId, provider } = call;
  const model = requestedModel ?? undefined;
  try {
    const madeBy = previousResponseId === null ? null : apiKeyId;
    const mix = mixOf(view, { user, model, operation, madeBy, atMs });
    const first = nextOf(mix);
    if (!first) {
      return { code: 'invalid_request', name: null, decidedBy: [ofProvider(snapshot, provider, '.type')] };
    }
    // The lines of a batch name their models.
    const isAny = model === undefined && operation !== 'batches';
    if (isAny && !(snapshot.allowsModel(undefined) && first.key.servesModel(undefined))) {
      return { code: 'model_not_allowed', name: null, decidedBy: anyModelDeciders(snapshot, first.key) };
    }
    return { mix, first };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return { code: error.code, name: null, decidedBy: noKeyDeciders(snapshot, user, model, atMs) };
  }
}

function asksOf(
  view: View,
  call: ReplayedCall,
  key: RoutedKey | undefined,
  sent: string | undefined,
  costUsd: number | null,
): RuleAsk[] {
  const { namespace, workload, operation, requestedModel, user } = call;
  const matched = {
    model: requestedModel ?? undefined,
    operation,
    user,
    workload: namespace === null || workload === null ? undefined : { namespace, workload },
  };
  const asks: RuleAsk[] = [];
  const add = (rule: StatedRule, isOfKey: boolean) => {
    if (rule.fits && !rule.fits(matched)) return;
    for (const counted of rule.counted) {
      // A call that the cache answers is a request, and uses no tokens and no money.
      if (call.isReplayed && counted.unit !== 'requests' && counted.unit !== 'concurrent') continue;
      const amount = amountOf(counted.unit, call, costUsd);
      const smallest = rule.shortens && key ? Math.min(amount, shortest(view, call, key, sent)) : amount;
      asks.push({ rule, isOfKey, counted, scope: scopeOf(rule, call, key), amount, smallest });
    }
  };
  for (const rule of view.organizationRules) add(rule, false);
  for (const rule of view.keyRules.get(key?.id ?? '') ?? []) add(rule, true);
  return asks;
}

function amountOf(unit: Ask['counted']['unit'], call: RecordedCall, costUsd: number | null): number {
  const { inputTokens, outputTokens, totalTokens } = call;
  switch (unit) {
    case 'requests':
    case 'concurrent':
      return 1;
    case 'tokens':
      return totalTokens ?? (inputTokens ?? 0) + (outputTokens ?? 0);
    case 'input_tokens':
      return inputTokens ?? 0;
    case 'output_tokens':
      return outputTokens ?? 0;
    case 'nano_usd':
      return Math.ceil((costUsd ?? 0) * 1e9);
  }
}

/** An answer below that is of no use, as a real budget has it. */
const shortestAnswer = 16;

/** The cost of the input and of a short answer, in 10⁻⁹ dollars. */
function shortest({ price }: View, call: RecordedCall, { provider }: RoutedKey, sent: string | undefined): number {
  const cost = tokenCost(price, { provider: provider.name, model: sent, body: {}, operation: call.operation });
  if (!cost) return Number.POSITIVE_INFINITY;
  return Math.ceil(((call.inputTokens ?? 0) * cost.input + shortestAnswer * cost.output) / 1_000);
}

/** Whose calls a rule counts together, as in proxy/calls/reserve. */
function scopeOf({ per }: StatedRule, call: RecordedCall, key: RoutedKey | undefined): string {
  switch (per) {
    case 'Organization':
      return '';
    case 'User':
      return call.userId;
    case 'Key':
      return key?.id ?? '';
    case 'Model':
      return call.requestedModel ?? '';
    case 'Workload':
      return call.workload === null ? '' : `${call.namespace}/${call.workload}`;
    case 'Session':
      return `${call.userId}/${call.sessionId}`;
  }
}
