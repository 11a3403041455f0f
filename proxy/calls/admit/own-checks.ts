import type { Share } from '../../in-flight.ts';
import type { OperationName } from '../../operations/operation.ts';
import type { Exchange } from '../../providers/exchange.ts';
import type { Body } from '../../providers/json.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { Caller } from '../call.ts';
import type { Ownership } from '../resources/ownership.ts';

/** A call that may be made as far as its body shows. */
export interface AdmissionSubject {
  readonly body: Body;
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  readonly key: RoutedKey;
  /** What the call holds of memory. */
  readonly share: Share;
}

/** What an operation's own check may ask. */
export interface AdmissionDependencies {
  readonly ownership: Ownership;
  readonly exchange: Exchange;
}

/**
 * Judges what a body does not show by itself, its models too.
 *
 * @throws {ProxyError} where the call may not be made
 */
export type OwnCheck = (subject: AdmissionSubject, dependencies: AdmissionDependencies) => Promise<void>;

/** The checks of operations whose bodies do not show everything. */
export type OwnChecks = Readonly<Partial<Record<OperationName, OwnCheck>>>;
