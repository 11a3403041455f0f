import type { RecordedCall } from '../../../database/recorded-calls.ts';
import { boundCost } from '../../calls/reserve/cost-bound.ts';
import { sentModel } from '../../calls/route/sent-model.ts';
import type { Price } from '../../prices/price.ts';
import { unknownUsage } from '../../providers/usage.ts';
import type { Mix, View } from './view.ts';

/**
 * What a recorded call would have cost with other keys and prices, in dollars. Of keys that share the calls, it is what
 * is to be expected. Where nothing that the price depends on differs, it is what was recorded. Null: no price is known.
 *
 * @param model that it would have asked for
 */
export function costOf(
  call: RecordedCall,
  model: string | null,
  mix: Mix,
  changed: View,
  inForce: View,
): number | null {
  const recorded = call.costUsd === null ? null : Number(call.costUsd);
  if (call.isReplayed) return recorded;
  const before = dollarsOf(inForce.price, call, call.provider, [call.model, call.requestedModel]);
  let after = 0;
  for (const { key, share, sent } of mix) {
    const answers = isAsBefore(call, sent, inForce) ? call.model : (sent ?? null);
    const cost = dollarsOf(changed.price, call, key.provider.name, [answers, model]);
    if (cost === null) return null;
    after += share * cost;
  }
  if (recorded !== null && before !== null && Math.abs(after - before) <= 1e-9 * before) return recorded;
  return after;
}

/** Whether a provider would have been asked for the same model, so that the same model would have answered. */
function isAsBefore(call: RecordedCall, sent: string | undefined, { snapshot }: View): boolean {
  const former = snapshot.providers.get(call.provider);
  const asked = call.requestedModel ?? undefined;
  return sent === (former ? sentModel({ provider: former }, asked) : asked);
}

/** As a settlement prices a call: by the model that answered, else by the one that was asked for. */
function dollarsOf(
  price: Price,
  call: RecordedCall,
  provider: string,
  [answers, asked]: readonly [string | null, string | null],
): number | null {
  const usage = { ...unknownUsage, ...usageOf(call) };
  const tier = call.operation === 'batches' ? 'batch' : null;
  const cost = price(provider, answers, usage, tier) ?? price(provider, asked, usage, tier);
  return cost === null ? null : Number(cost);
}

function usageOf(call: RecordedCall) {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, totalTokens } = call;
  const { inputAudioTokens, inputImageTokens, outputAudioTokens, outputImageTokens } = call;
  const { cachedAudioTokens, cachedImageTokens } = call;
  const { images, imageSize, imageQuality, audioSeconds, characters } = call;
  return {
    ...{ inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, totalTokens },
    ...{ inputAudioTokens, inputImageTokens, outputAudioTokens, outputImageTokens },
    ...{ cachedAudioTokens, cachedImageTokens },
    ...{ images, imageSize, imageQuality, audioSeconds, characters },
  };
}

/** Whether a price is known of the model, whatever a call uses. */
export function isPriced(
  { price, priced }: View,
  call: RecordedCall,
  provider: string,
  model: string | undefined,
): boolean {
  const name = `${provider}\n${model ?? ''}\n${call.operation}`;
  const known = priced.get(name);
  if (known !== undefined) return known;
  const isOf = (one: string | undefined) =>
    boundCost(price, { provider, model: one, body: {}, operation: call.operation }, 1, 1) !== null;
  const found = isOf(model) || isOf(call.requestedModel ?? undefined);
  if (priced.size > 10_000) priced.clear();
  priced.set(name, found);
  return found;
}
