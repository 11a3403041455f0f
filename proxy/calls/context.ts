import type { Envelope } from '../../database/envelope.ts';
import type { Share } from '../in-flight.ts';
import type { Price } from '../prices/price.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Caller } from './call.ts';
import type { Authenticator } from './identify/authenticate.ts';
import type { AccountingTerms } from './settle/account.ts';
import type { CallTrace } from './traces/call-trace.ts';

/** The configuration in force at one moment. */
export interface InForce {
  readonly snapshot: Snapshot;
  readonly authenticator: Authenticator;
  readonly envelope: Envelope;
  /** The envelopes of the namespaces that this proxy acts for, by name. */
  readonly namespaces: ReadonlyMap<string, Envelope>;
  readonly price: Price;
}

/** The caller, with the configuration in force at that time. */
export interface Identified {
  readonly caller: Caller;
  readonly inForce: InForce;
}

/** The data that a call keeps from its first step to its last, for every way in. */
export interface CallContext extends Identified {
  readonly requestId: string;
  readonly startedAtMs: number;
  /** `performance.now()` at the start, for durations. */
  readonly startedTicks: number;
  /** The call's share of the memory for bodies. */
  readonly share: Share;
  /** Records the call. Absent: it is not recorded. */
  readonly trace?: CallTrace | undefined;
  /** The header `traceparent` of what causes calls that the proxy itself makes. */
  readonly traceParent?: string | undefined;
}

/** The parts that recording a call needs. */
export function termsOf({ snapshot, envelope, price }: InForce): AccountingTerms {
  return { price, envelope: snapshot.storesContents ? envelope : undefined };
}
