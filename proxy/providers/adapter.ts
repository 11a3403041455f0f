import type { Provider } from '../snapshot/snapshot.ts';
import type { OperationName } from './operation-name.ts';
import type { PriceList } from './price-list.ts';
import type { WireFormat } from './wire-format.ts';

/** The specifics of one provider type. */
export interface ProviderAdapter {
  /** The headers that authenticate a request. */
  authorize(secret: string, provider: Provider): Readonly<Record<string, string>>;
  /** Headers of every request that has none of the same name. Absent: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Where below the provider's base path something is. Absent: at the path as OpenAI has it.
   *
   * @param path below the base URL, as OpenAI has it, with the query
   * @param model the provider's name for the model of the call; undefined for a request about no model
   */
  place?(provider: Provider, path: string, model: string | undefined): string;
  /** Its names of models, where it cannot be asked for them. Absent: it has a list of models. */
  models?(provider: Provider): readonly string[];
  /** The public price list by which its answers are priced, unless the Organization states a price. */
  readonly priceList: PriceList;
  /** The wire format of each operation that it offers. */
  readonly formats: Readonly<Partial<Record<OperationName, WireFormat>>>;
}
