import { asObject, asString, errorCodeOf } from '../json.ts';
import type { Reading } from '../reading.ts';
import type { WireFormat } from '../wire-format.ts';
import { readBatchParts } from './batch-parts.ts';
import { plainFormat } from './plain-format.ts';
import { readTokenUsage } from './token-usage.ts';

/** `POST /v1/batches`. Its lines are calls of their own, which the provider makes later and bills as one. */
export const batches: WireFormat = {
  ...plainFormat,
  path: '/batches',
  read: readBatch,
  readParts: readBatchParts,
};

const ends = new Set(['completed', 'failed', 'expired', 'cancelled']);

function readBatch(answer: unknown): Reading {
  const batch = asObject(answer);
  const status = asString(batch?.status) ?? '';
  const failed = status === 'failed' || status === 'expired' || (batch?.error !== undefined && batch.error !== null);
  return {
    failed,
    errorCode: failed ? (batch?.error ? errorCodeOf(batch.error) : status) : null,
    responseId: asString(batch?.id),
    model: asString(batch?.model),
    serviceTier: 'batch',
    usage: readTokenUsage(batch?.usage),
    state: status === 'cancelled' ? 'cancelled' : ends.has(status) || failed ? undefined : 'pending',
  };
}
