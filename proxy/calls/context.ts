import type { Envelope } from '../../database/envelope.ts';
import type { Share } from '../in-flight.ts';
import type { Price } from '../prices/price.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Caller } from './call.ts';
import type { Authenticator } from './identify/authenticate.ts';
import type { AccountingTerms } from './settle/account.ts';

/** What is in force at one moment. */
export interface InForce {
  readonly snapshot: Snapshot;
  readonly authenticator: Authenticator;
  readonly envelope: Envelope;
  /** Of what serves one namespace only, by its name: those that this proxy acts for. */
  readonly namespaces: ReadonlyMap<string, Envelope>;
  readonly price: Price;
}

/** Who calls, by what was in force then. */
export interface Identified {
  readonly caller: Caller;
  readonly inForce: InForce;
}

/** What a call has from its first step to its last, whichever way it came in. */
export interface CallContext extends Identified {
  readonly requestId: string;
  readonly startedAtMs: number;
  /** `performance.now()` at the start, for durations. */
  readonly startedTicks: number;
  /** What the call holds of memory. */
  readonly share: Share;
}

/** What of it calls are accounted by. */
export function termsOf({ snapshot, envelope, price }: InForce): AccountingTerms {
  return { price, envelope: snapshot.storesContents ? envelope : undefined };
}
