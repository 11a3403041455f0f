import type { FailedAttempt, RequestRecord } from '../../../database/requests.ts';
import { addCosts, type Price } from '../../prices/price.ts';
import type { Provider, RoutedKey } from '../../snapshot/snapshot.ts';
import type { Failure } from '../route/failure.ts';

/** The record of an attempt that failed, with its cost where the provider reported its usage. */
export function failedAttemptOf(
  { id, provider }: RoutedKey,
  failure: Failure,
  durationMs: number,
  requestedModel: string | null,
  price: Price,
): FailedAttempt {
  const { kind, reason, status, reading } = failure;
  const { inputTokens = null, outputTokens = null } = reading?.usage ?? {};
  const cost = failedCostOf(provider, failure, requestedModel, price);
  return {
    provider: provider.name,
    api_key_id: id,
    kind,
    reason,
    http_status: status,
    duration_ms: Math.round(durationMs),
    ...(inputTokens !== null && { input_tokens: inputTokens }),
    ...(outputTokens !== null && { output_tokens: outputTokens }),
    ...(cost !== null && { cost_usd: cost }),
  };
}

/** What a failed attempt has cost, in US dollars. Null where the provider did not report its usage, or has no price for it. */
export function failedCostOf(
  { name }: Pick<Provider, 'name'>,
  { reading }: Failure,
  requestedModel: string | null,
  price: Price,
): string | null {
  if (!reading || reading.usage.inputTokens === null) return null;
  const { model, usage, serviceTier } = reading;
  return price(name, model, usage, serviceTier) ?? price(name, requestedModel, usage, serviceTier);
}

/** Adds what failed attempts cost to the cost of the call. An unpriced call stays unpriced. */
export function addAttemptCosts(record: RequestRecord): void {
  for (const { cost_usd } of record.attempts ?? []) {
    if (record.cost_usd !== null && cost_usd !== undefined) record.cost_usd = addCosts(record.cost_usd, cost_usd);
  }
}
