import type { FailedAttempt, RequestRecord } from '../../../database/requests.ts';
import { addCosts, type Price } from '../../prices/price.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Failure } from '../route/failure.ts';

/** The record of an attempt that failed, with its cost where the provider reported its usage. */
export function failedAttemptOf(
  { id, provider }: RoutedKey,
  { kind, reason, status, reading }: Failure,
  durationMs: number,
  requestedModel: string | null,
  price: Price,
): FailedAttempt {
  const { inputTokens = null, outputTokens = null } = reading?.usage ?? {};
  const cost =
    reading && inputTokens !== null
      ? (price(provider.name, reading.model, reading.usage, reading.serviceTier) ??
        price(provider.name, requestedModel, reading.usage, reading.serviceTier))
      : null;
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

/** Adds what failed attempts cost to the cost of the call. An unpriced call stays unpriced. */
export function addAttemptCosts(record: RequestRecord): void {
  for (const { cost_usd } of record.attempts ?? []) {
    if (record.cost_usd !== null && cost_usd !== undefined) record.cost_usd = addCosts(record.cost_usd, cost_usd);
  }
}
