import type { InForce } from '../../calls/context.ts';
import type { Aliases } from '../../calls/models/aliases.ts';
import type { StatedRule } from '../../calls/reserve/rules.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';

/** A configuration as the proxy of one namespace has it. */
export interface View extends Pick<InForce, 'snapshot' | 'price'> {
  readonly organizationRules: readonly StatedRule[];
  readonly keyRules: ReadonlyMap<string, readonly StatedRule[]>;
  /** Undefined: there are none. */
  readonly aliases: Aliases | undefined;
  /** Then the keys of a call depend on its time. */
  readonly hasExpiringKeys: boolean;
  /** What was found out before, by whatever decides it. */
  readonly mixes: Map<string, Mix>;
  readonly priced: Map<string, boolean>;
}

/** One of the keys that calls go to first. */
export interface MixedKey {
  readonly key: RoutedKey;
  /** The part of the calls, from 0 to 1. */
  readonly share: number;
  /** As the provider calls the model. Undefined: it chooses one. */
  readonly sent: string | undefined;
  /** How much of its share it has not had yet. */
  credit: number;
}

/** The keys that calls of a kind go to first, as long as nothing fails. Empty: none offers the API. */
export type Mix = readonly MixedKey[];
