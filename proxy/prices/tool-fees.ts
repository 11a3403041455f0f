import type { PriceList } from '../providers/price-list.ts';
import type { ToolCalls } from '../providers/usage.ts';

/** A fee of a provider's own tool. */
interface ToolFee {
  readonly type: string;
  readonly models: RegExp;
  /** 10^-12 dollars per call. */
  readonly fee: bigint;
}

const perThousand = (dollars: number) => BigInt(Math.round(dollars * 100)) * 10_000_000n;

/**
 * OpenAI's tool fees, in addition to tokens, as of March 2026. A tool that is not listed has an unknown fee and makes a
 * call unpriced:
 * - code interpreter and hosted shells, billed by the lifetime of the container, which may belong to another call;
 * - image generation, billed by tokens of another model;
 * - `web_search` of gpt-4o-mini and gpt-4.1-mini, billed by an additional 8,000 tokens per search.
 *
 * @see https://platform.openai.com/docs/pricing#built-in-tools
 */
const openaiFees: readonly ToolFee[] = [
  { type: 'file_search', models: /^(gpt-|o\d)/, fee: perThousand(2.5) },
  { type: 'web_search', models: /^(gpt-(?!4(o|\.1)-mini)|o\d)/, fee: perThousand(10) },
  { type: 'web_search_preview', models: /^(o\d|gpt-5(?!.*chat))/, fee: perThousand(10) },
  { type: 'web_search_preview', models: /^gpt-4(o|\.1)(-mini)?(-\d{4}-\d{2}-\d{2})?$/, fee: perThousand(25) },
];

/**
 * Anthropic's tool fees. Fetching pages is free. Code execution is billed by the lifetime of its container, so it makes a
 * call unpriced.
 *
 * @see https://platform.claude.com/docs/en/about-claude/pricing
 */
const anthropicFees: readonly ToolFee[] = [{ type: 'web_search_request', models: /^claude-/, fee: perThousand(10) }];

/** The tool fees of each price list. */
const fees: Readonly<Record<PriceList, readonly ToolFee[]>> = { openai: openaiFees, anthropic: anthropicFees };

/** OpenAI's models that search the web once per completion, without reporting it. */
const searchModels = /^gpt-4o(-mini)?-search-preview(-\d{4}-\d{2}-\d{2})?$/;
/** OpenAI's models that search any number of times, without reporting how often. */
const untoldSearchModels = /^gpt-.*-search-api/;
const searchModelFee = perThousand(25);

const noFees: ReadonlyMap<string, bigint> = new Map();

/**
 * The cost of calls of a provider's own tools, in 10^-12 dollars. Null where a fee is unknown.
 *
 * @param list the name of the provider's price list
 * @param own the organization's own fees by type, which take precedence
 */
export function costOfToolCalls(
  list: string | undefined,
  model: string,
  calls: readonly ToolCalls[] | null,
  own: ReadonlyMap<string, bigint> = noFees,
): bigint | null {
  let cost = feeOfModel(list, model, own);
  for (const { type, count } of calls ?? []) {
    const fee = own.get(type) ?? findFee(list, model, type);
    if (cost === null || fee === undefined) return null;
    cost += fee * BigInt(count);
  }
  return cost;
}

function findFee(list: string | undefined, model: string, type: string): bigint | undefined {
  const known = Object.entries(fees).find(([name]) => name === list)?.[1];
  return known?.find((fee) => fee.type === type && fee.models.test(model))?.fee;
}

function feeOfModel(list: string | undefined, model: string, own: ReadonlyMap<string, bigint>): bigint | null {
  if (!model.includes('-search-')) return 0n;
  const searchesOnce = searchModels.test(model);
  if (!searchesOnce && !untoldSearchModels.test(model)) return 0n;
  return own.get('web_search') ?? (searchesOnce && list === 'openai' ? searchModelFee : null);
}
