import { ProxyError } from '../error.ts';
import type { Provider } from '../snapshot/snapshot.ts';
import type { ProviderAdapter } from './adapter.ts';
import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { compatible } from './compatible.ts';
import { openai } from './openai.ts';
import type { OperationName } from './operation-name.ts';
import type { WireFormat } from './wire-format.ts';

/** The adapter of each provider type that an Organization may name. */
export type ProviderTable = Readonly<Record<Provider['type'], ProviderAdapter>>;

export const providerTable: ProviderTable = { openai, azure, anthropic, compatible };

/** The name of the public price list of each provider. */
export function priceListsOf(
  table: ProviderTable,
  providers: readonly Pick<Provider, 'name' | 'type'>[],
): ReadonlyMap<string, string> {
  return new Map(providers.map(({ name, type }) => [name, table[type].priceList]));
}

/** Whether a provider offers an operation. */
export function formatIsOffered(table: ProviderTable, { type }: Provider, operation: OperationName): boolean {
  return table[type].formats[operation] !== undefined;
}

/**
 * Finds the wire format of an operation at a provider.
 *
 * @throws {ProxyError} `invalid_request` where the provider does not offer the operation
 */
export function formatOf(table: ProviderTable, { name, type }: Provider, operation: OperationName): WireFormat {
  const format = table[type].formats[operation];
  if (format) return format;
  throw new ProxyError('invalid_request', { param: 'model', message: `the provider ${name} does not offer this API` });
}
