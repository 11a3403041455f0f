import type { OperationName } from './operation-name.ts';
import type { PriceList } from './price-list.ts';
import type { WireFormat } from './wire-format.ts';

/** The specifics of one provider type. */
export interface ProviderAdapter {
  /** The headers that authenticate a request. */
  authorize(secret: string): Readonly<Record<string, string>>;
  /** Headers of every request that has none of the same name. Absent: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The public price list by which its answers are priced, unless the Organization states a price. */
  readonly priceList: PriceList;
  /** The wire format of each operation that it offers. */
  readonly formats: Readonly<Partial<Record<OperationName, WireFormat>>>;
}
