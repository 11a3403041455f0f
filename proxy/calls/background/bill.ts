import { addCosts } from '../../prices/price.ts';
import type { Part } from '../../providers/reading.ts';
import { type Usage, unknownUsage } from '../../providers/usage.ts';

/** The sum of a call's parts. */
export interface Bill {
  /** The model that answered all parts. Null where several did. */
  readonly model: string | null;
  readonly usage: Usage;
  /** US dollars as a decimal string; null where a part is unpriced. */
  readonly costUsd: string | null;
}

/** The price of a part, as `Price` without the provider. */
export type PartPrice = (model: string | null, usage: Usage, serviceTier: string | null) => string | null;

/** Adds up parts that are priced separately. @returns undefined where there are none */
export async function addUp(
  parts: AsyncIterable<Part>,
  price: PartPrice,
  serviceTier: string | null,
): Promise<Bill | undefined> {
  let bill: Bill | undefined;
  for await (const { model, usage } of parts) {
    const costUsd = price(model, usage, serviceTier);
    bill = bill
      ? {
          model: bill.model === model ? model : null,
          usage: addTokens(bill.usage, usage),
          costUsd: bill.costUsd === null || costUsd === null ? null : addCosts(bill.costUsd, costUsd),
        }
      : { model, usage, costUsd };
  }
  return bill;
}

/** Where one part does not report a figure, the sum has none. */
function addTokens(one: Usage, other: Usage): Usage {
  const add = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);
  return {
    ...unknownUsage,
    inputTokens: add(one.inputTokens, other.inputTokens),
    cachedInputTokens: add(one.cachedInputTokens, other.cachedInputTokens),
    cacheWriteTokens: add(one.cacheWriteTokens, other.cacheWriteTokens),
    longCacheWriteTokens: add(one.longCacheWriteTokens, other.longCacheWriteTokens),
    outputTokens: add(one.outputTokens, other.outputTokens),
    reasoningTokens: add(one.reasoningTokens, other.reasoningTokens),
    totalTokens: add(one.totalTokens, other.totalTokens),
  };
}
