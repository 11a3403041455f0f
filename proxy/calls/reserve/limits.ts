import type { QuotaScope, quotaUnits } from '../../../database/quota.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import type { Quota, Shortfall } from '../../quota/quota.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { CallContext } from '../context.ts';
import { sentModel } from '../route/sent-model.ts';
import type { Origin } from '../settle/record.ts';
import { boundCost, type CostBound, type Priced, tokenCost } from './cost-bound.ts';
import { type History, makeHistories } from './history.ts';
import { boundTokens, type TokenNeeds } from './needs.ts';
import { rateHeaders } from './rate-headers.ts';
import { type RuledClaim, refusalOf, unpricedRefusal } from './refusal.ts';
import { nothingReserved, type Reservation, type Reserve, type Sought } from './reserve.ts';
import { makeRuleSet, type Rule, type RuleSet } from './rules.ts';
import { nanoUsdOf, usedOf } from './settle-quota.ts';
import { shorten } from './shorten.ts';

export interface LimitsOptions {
  readonly quota: Quota;
  /** The pod of this proxy's calls. */
  readonly origin: Origin | undefined;
  /** Called with each rule that refused a call, or would have refused it if it were enforced. */
  readonly onLimited: (rule: Rule) => void;
}

/** The rules in force, and what earlier calls were like. */
interface Limits extends LimitsOptions {
  readonly historyOf: (operation: string, model: string | undefined) => History;
}

/** Makes the reserve of limits, budgets and tiers. */
export function makeLimits(options: LimitsOptions): Reserve {
  const limits: Limits = { ...options, historyOf: makeHistories() };
  const ruleSetOf = rememberRules(options.quota);
  return (sought) => {
    const rules = ruleSetOf(sought.context);
    if (!rules) return nothingReserved;
    const fitting = findFitting(rules, sought, options.origin);
    return fitting.length === 0 ? nothingReserved : reserve(limits, fitting, sought);
  };
}

/**
 * Rules of the newest configuration. A call keeps its configuration to its end, and one that began before the newest came
 * must not bring earlier rules back.
 */
function rememberRules(quota: Quota): (context: CallContext) => RuleSet | undefined {
  let newest: Snapshot | undefined;
  let sinceMs = 0;
  let rules: RuleSet | undefined;
  return ({ inForce: { snapshot }, startedAtMs }) => {
    if (snapshot === newest || startedAtMs < sinceMs) return rules;
    newest = snapshot;
    sinceMs = startedAtMs;
    rules = makeRuleSet(snapshot, quota);
    return rules;
  };
}

function findFitting({ ofOrganization, ofKeys }: RuleSet, sought: Sought, workload: Origin | undefined): Rule[] {
  const { model, operation, context, key } = sought;
  const matched = { model, operation, user: context.caller.user, workload };
  const fitting: Rule[] = [];
  for (const rule of ofOrganization) if (rule.fits(matched)) fitting.push(rule);
  for (const rule of ofKeys.get(key.id) ?? []) if (rule.fits(matched)) fitting.push(rule);
  return fitting;
}

function reserve(limits: Limits, rules: readonly Rule[], sought: Sought): Reservation | Promise<Reservation> {
  const history = limits.historyOf(sought.operation, sought.model);
  const needs = new Needs(sought, history);
  const claims: RuledClaim[] = [];
  for (const rule of rules) {
    for (const { unit, slices, unitNumber } of rule.counts) {
      if (sought.isUncounted && unit !== 'concurrent') continue;
      const amount = needs.of(unit, rule);
      if (amount === undefined) {
        limits.onLimited(rule);
        throw unpricedRefusal(rule, sought.model);
      }
      if (amount === 0) continue;
      const claim = limits.quota.claim(slices, scopeOf(rule.per, sought, limits.origin), amount, rule);
      if (rule.shortens) claim.smallest = Math.min(amount, needs.shortest());
      claims.push(Object.assign(claim, { rule, unitNumber }));
    }
  }
  const taken = limits.quota.take(claims);
  const finish = (shortfalls: Shortfall[] | undefined) => conclude(limits, claims, needs, shortfalls);
  return taken instanceof Promise ? taken.then(finish) : finish(taken);
}

/** Makes the reservation, refuses the call, or shortens its answer. */
function conclude(
  { quota, onLimited }: Limits,
  claims: readonly RuledClaim[],
  needs: Needs,
  shortfalls: Shortfall[] | undefined,
): Reservation {
  if (!shortfalls) return new OpenReservation(quota, claims, needs, undefined);
  const isRefused = shortfalls.some(({ claim }) => claim.enforces);
  const shortened = isRefused ? shorten(quota, claims, needs.sought, needs.tokens(), needs.tokenCost()) : undefined;
  for (const claim of claims) {
    if (!shortened && shortfalls.some((shortfall) => shortfall.claim === claim)) onLimited(claim.rule);
  }
  if (isRefused && !shortened) {
    const nowMs = quota.clock.nowMs();
    throw refusalOf(shortfalls, claims, rateHeaders(claims, nowMs), nowMs);
  }
  return new OpenReservation(quota, claims, needs, shortened);
}

/** What a call may need, computed where a rule asks for it. */
class Needs {
  readonly sought: Sought;
  readonly history: History;
  #tokens: TokenNeeds | undefined;
  #cost: CostBound | undefined;

  constructor(sought: Sought, history: History) {
    this.sought = sought;
    this.history = history;
  }

  tokens(): TokenNeeds {
    this.#tokens ??= boundTokens(this.sought, this.history);
    return this.#tokens;
  }

  hasTokens(): boolean {
    return this.#tokens !== undefined;
  }

  tokenCost() {
    return tokenCost(this.sought.context.inForce.price, this.#pricedAs(this.sought.model));
  }

  /** By the provider's own name of the model, where that has a price. */
  #pricedAs(model: string | undefined): Priced {
    const { context, key, body, operation } = this.sought;
    const asked = { provider: key.provider.name, model, body, operation };
    const sent = sentModel(key, model);
    if (sent === model) return asked;
    const priced = { ...asked, model: sent };
    return tokenCost(context.inForce.price, priced) ? priced : asked;
  }

  /** The cost of the input and of a short answer. */
  shortest(): number {
    const cost = this.tokenCost();
    if (!cost) return Number.POSITIVE_INFINITY;
    const { input, answers } = this.tokens();
    return Math.ceil((input * cost.input + shortestAnswer * answers * cost.output) / 1_000);
  }

  /** @returns undefined: the price is unknown, and the rule refuses such calls */
  of(unit: (typeof quotaUnits)[number], rule: Rule): number | undefined {
    switch (unit) {
      case 'requests':
        return this.sought.lines?.count ?? 1;
      case 'concurrent':
        return 1;
      case 'tokens':
        return this.tokens().input + this.tokens().output;
      case 'input_tokens':
        return this.tokens().input;
      case 'output_tokens':
        return this.tokens().output;
      case 'nano_usd': {
        const cost = this.cost();
        if (cost === null) return rule.allowsUnpriced ? 0 : undefined;
        return cost === 'unknown' ? this.history.nanoUsd() : cost;
      }
    }
  }

  cost(): CostBound {
    this.#cost ??= this.#boundCost();
    return this.#cost;
  }

  #boundCost(): CostBound {
    const { context, model, lines } = this.sought;
    const { price } = context.inForce;
    const bound = (of: string | undefined, input: number, output: number) =>
      boundCost(price, this.#pricedAs(of), input, output);
    if (!lines) {
      const { input, output } = this.tokens();
      return bound(model, input, output);
    }
    let sum = 0;
    for (const [name, { inputBytes, outputTokens }] of lines.models) {
      const one = bound(name, inputBytes, outputTokens);
      if (one === null || one === 'unknown') return one;
      sum += one;
    }
    return sum;
  }
}

/** An answer below that is of no use. OpenAI's least `max_output_tokens` is 16. */
const shortestAnswer = 16;

class OpenReservation implements Reservation {
  readonly quota: number[] | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly changes: Reservation['changes'];
  readonly #quota: Quota;
  readonly #claims: readonly RuledClaim[];
  readonly #needs: Needs;

  constructor(
    quota: Quota,
    claims: readonly RuledClaim[],
    needs: Needs,
    shortened:
      | { readonly changes: Reservation['changes']; readonly headers: Readonly<Record<string, string>> }
      | undefined,
  ) {
    this.#quota = quota;
    this.#claims = claims;
    this.#needs = needs;
    this.changes = shortened?.changes;
    const rates = rateHeaders(claims, quota.clock.nowMs());
    this.headers = shortened ? { ...rates, ...shortened.headers } : rates;
    this.quota = countsOf(claims);
  }

  settle(record: RequestRecord): void {
    const isOver = record.duration_ms !== null;
    for (const { slice, amount } of this.#claims) {
      const { unit } = slice.counter;
      // What the provider works on stays reserved until its end is counted.
      const used = unit === 'concurrent' ? 0 : isOver ? usedOf(unit, amount, record) : amount;
      this.#quota.settle(slice, amount, used);
    }
    if (isOver) this.#learn(record);
  }

  release(): void {
    for (const { slice, amount } of this.#claims) this.#quota.settle(slice, amount, 0);
  }

  #learn(record: RequestRecord): void {
    if (!this.#needs.hasTokens() || record.status !== 'completed') return;
    const { bytes, refers } = this.#needs.tokens();
    this.#needs.history.note({
      bytes,
      refers,
      inputTokens: record.input_tokens,
      outputTokens: record.output_tokens,
      nanoUsd: this.#needs.cost() === 'unknown' && record.cost_usd !== null ? nanoUsdOf(record.cost_usd) : undefined,
    });
  }
}

/** As in `RequestRecord.quota`. */
function countsOf(claims: readonly RuledClaim[]): number[] | undefined {
  const counts: number[] = [];
  for (const { slice, amount, unitNumber } of claims) {
    if (slice.counter.unit !== 'concurrent') counts.push(unitNumber, slice.counterId, slice.leaseId, amount);
  }
  return counts.length === 0 ? undefined : counts;
}

function scopeOf(per: QuotaScope, { context, key, model }: Sought, workload: Origin | undefined): string {
  const { caller } = context;
  switch (per) {
    case 'Organization':
      return '';
    case 'User':
      return caller.userId;
    case 'Key':
      return key.id;
    case 'Model':
      return (model ?? '').slice(0, 200);
    case 'Workload':
      return workload ? `${workload.namespace}/${workload.workload}` : '';
    case 'Session':
      return `${caller.userId}/${caller.sessionId.slice(0, 128)}`;
  }
}
