import type { Envelope } from '../../../database/envelope.ts';
import type { Price } from '../../prices/price.ts';
import type { Outcome } from '../call.ts';

/** The account of one call: opened before it goes upstream, settled once. */
export interface Account {
  /** Notes that the provider works on after its answer, under this id: from then on only its end settles the call. */
  defer(responseId: string): void;
  /** Seals what was asked ahead of the settlement, while the provider works and nobody waits for us. */
  sealInput(): void;
  /** Later settlements of the same call do nothing. */
  settle(outcome: Outcome): void;
  isSettled(): boolean;
  /** US dollars as a decimal string, once settled; null: unpriced. */
  costUsd(): string | null;
}

/** What of the configuration in force a call is accounted by. */
export interface AccountingTerms {
  readonly price: Price;
  /** Seals contents; undefined where the organization does not store them. */
  readonly envelope: Envelope | undefined;
}
