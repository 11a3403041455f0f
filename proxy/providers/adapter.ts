import type { OperationName } from './operation-name.ts';
import type { WireFormat } from './wire-format.ts';

/** What is particular to providers of one type. */
export interface ProviderAdapter {
  /** The headers by which a provider knows whose request it is. */
  authorize(secret: string): Readonly<Record<string, string>>;
  /** How it is asked for each operation that it offers, and how its answers are read. */
  readonly formats: Readonly<Partial<Record<OperationName, WireFormat>>>;
}
