import type { Logger } from 'pino';
import type { PendingCall } from '../../../database/pending-calls.ts';
import { ProxyError } from '../../error.ts';
import type { OpenFile } from '../../providers/reading.ts';
import type { RelayedAnswer } from '../../providers/relay.ts';
import type { WireFormat } from '../../providers/wire-format.ts';
import type { AccountingTerms } from '../settle/account.ts';
import type { LateEnd } from '../settle/late-end.ts';
import { addUp, type PartPrice } from './bill.ts';

/** Settles calls that consist of parts, each with its own price. */
export interface PartsSettlement {
  /** Adds up the parts and settles the call with the sum. The caller does not wait, since there may be many parts. */
  begin(pending: PendingCall, end: SeenEnd, readParts: ReadParts): void;
  isUnderWay(pending: PendingCall): boolean;
  /** Resolves when no settlement is running. */
  idle(): Promise<unknown>;
}

export interface PartsSettlementOptions {
  readonly terms: () => AccountingTerms;
  /** Sends a request to the call's provider. Undefined where its key is gone. */
  readonly get: (pending: PendingCall, path: string) => Promise<RelayedAnswer> | undefined;
  readonly settle: (pending: PendingCall, end: LateEnd, terms: AccountingTerms) => void;
  /** Whether a call is too old to be polled again. */
  readonly isLate: (pending: PendingCall) => boolean;
  readonly log: Logger;
}

type SeenEnd = Extract<LateEnd, { readonly reading: unknown }>;
type ReadParts = NonNullable<WireFormat['readParts']>;

/** The parts of a call are no longer available. */
class PartsGone extends Error {}

export function makePartsSettlement({ terms, get, settle, isLate, log }: PartsSettlementOptions): PartsSettlement {
  /** Running settlements by request id. Another end of the same call is ignored meanwhile. */
  const underWay = new Map<string, Promise<void>>();

  const settleParts = async (pending: PendingCall, end: SeenEnd, readParts: ReadParts): Promise<void> => {
    const { reading, answer } = end;
    const current = terms();
    const parts = readParts(answer, makeOpen(pending));
    const price: PartPrice = (...part) => current.price(pending.provider, ...part);
    const bill = await addUp(parts, price, reading.serviceTier).catch((error: unknown) => {
      if (!(error instanceof PartsGone) && !isLate(pending)) throw error;
      return { ...reading, costUsd: null };
    });
    const known = {
      ...reading,
      model: reading.model ?? bill?.model ?? null,
      usage: reading.usage.totalTokens === null && bill ? bill.usage : reading.usage,
    };
    const costUsd = !bill && reading.usage.totalTokens === 0 ? '0' : bill?.costUsd;
    settle(pending, { ...end, reading: known, costUsd }, current);
  };

  const makeOpen =
    (pending: PendingCall): OpenFile =>
    async (path) => {
      const answer = await get(pending, path);
      if (answer?.status === 200) return answer.body;
      answer?.body.destroy();
      if (!answer || answer.status === 404) throw new PartsGone(`${path} cannot be had`);
      throw new ProxyError('upstream_invalid_response');
    };

  return {
    begin(pending, end, readParts) {
      const id = pending.request_id;
      if (underWay.has(id)) return;
      const work = settleParts(pending, end, readParts)
        // The call will be polled again.
        .catch((error: unknown) => log.debug({ err: error }, 'cannot add up the parts of a call'))
        .finally(() => underWay.delete(id));
      underWay.set(id, work);
    },
    isUnderWay: (pending) => underWay.has(pending.request_id),
    idle: () => Promise.all(underWay.values()),
  };
}
