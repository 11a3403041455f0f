import type { OperationName } from './operation-name.ts';
import type { WireFormat } from './wire-format.ts';

/** The specifics of one provider type. */
export interface ProviderAdapter {
  /** The headers that authenticate a request. */
  authorize(secret: string): Readonly<Record<string, string>>;
  /** The wire format of each operation that it offers. */
  readonly formats: Readonly<Partial<Record<OperationName, WireFormat>>>;
}
