import type { QuotaUnit } from '../../../database/quota.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { sentModel } from '../route/sent-model.ts';
import { boundCost, boundShort, type CostBound, type Priced, type TokenCost, tokenCost } from './cost-bound.ts';
import type { Histories, History } from './history.ts';
import { boundTokens, type TokenNeeds } from './needs.ts';
import type { Sought } from './reserve.ts';
import type { Rule } from './rules.ts';
import { nanoUsdOf } from './settle-quota.ts';

/** An answer below that is of no use. OpenAI's least `max_output_tokens` is 16. */
const shortestAnswer = 16;

/** What a call may need, computed where a rule asks for it. */
export class CallNeeds {
  readonly sought: Sought;
  readonly #histories: Histories;
  #history: History | undefined;
  #tokens: TokenNeeds | undefined;
  #tokenCost: TokenCost | null | undefined;
  #cost: CostBound | undefined;

  constructor(sought: Sought, histories: Histories) {
    this.sought = sought;
    this.#histories = histories;
  }

  /** @returns undefined: the price is unknown, and the rule refuses such calls */
  of(unit: QuotaUnit, rule: Rule): number | undefined {
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
      case 'nano_usd':
        return this.nanoUsd() ?? (rule.allowsUnpriced ? 0 : undefined);
    }
  }

  /** The most that the call may cost, in 10⁻⁹ dollars. Undefined: no price is known. */
  nanoUsd(): number | undefined {
    const cost = this.#boundOfCost();
    if (cost === null) return undefined;
    return cost === 'unknown' ? this.#knownHistory().nanoUsd() : cost;
  }

  tokens(): TokenNeeds {
    this.#tokens ??= boundTokens(this.sought, this.#knownHistory(), this.tokenCost() !== null);
    return this.#tokens;
  }

  /** What its tokens cost. Null: the model has no such price. */
  tokenCost(): TokenCost | null {
    if (this.#tokenCost === undefined)
      this.#tokenCost = tokenCost(this.sought.context.inForce.price, this.#pricedAs(this.sought.model));
    return this.#tokenCost;
  }

  /** The cost of the input and of a short answer. */
  shortest(): number {
    const cost = this.tokenCost();
    if (!cost) return Number.POSITIVE_INFINITY;
    const { input, answers } = this.tokens();
    return Math.ceil((input * cost.input + shortestAnswer * answers * cost.output) / 1_000);
  }

  /** Notes what the call has used, to bound the next ones. */
  learn(record: RequestRecord): void {
    if (!this.#tokens || record.status !== 'completed') return;
    const { bytes, refers } = this.#tokens;
    this.#knownHistory().note({
      bytes,
      refers,
      inputTokens: record.input_tokens,
      outputTokens: record.output_tokens,
      nanoUsd: this.#cost === 'unknown' && record.cost_usd !== null ? nanoUsdOf(record.cost_usd) : undefined,
    });
  }

  #knownHistory(): History {
    this.#history ??= this.#histories(this.sought.operation, this.sought.model);
    return this.#history;
  }

  #boundOfCost(): CostBound {
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
      const cost = this.tokenCost();
      return (cost && boundShort(cost, input, output)) ?? bound(model, input, output);
    }
    let sum = 0;
    for (const [name, { inputBytes, outputTokens }] of lines.models) {
      const one = bound(name, inputBytes, outputTokens);
      if (one === null || one === 'unknown') return one;
      sum += one;
    }
    return sum;
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
}
