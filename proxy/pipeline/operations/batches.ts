import { ProxyError } from '../../error.ts';
import { admitLines } from '../background/admit-lines.ts';
import { readBatchParts } from '../background/batch-parts.ts';
import { asObject, asString, errorCodeOf } from './json.ts';
import type { Operation, Reading } from './operation.ts';
import { readTokenUsage } from './token-usage.ts';

/** `POST /v1/batches`. Its lines are calls of their own, which the provider makes later and bills as one. */
export const batches: Operation = {
  name: 'batches',
  surface: 'batches',
  path: '/batches',
  required: ['input_file_id', 'endpoint'],
  modelIsOptional: true,
  instruct() {
    throw new ProxyError('persona_not_supported', { param: 'persona_id' });
  },
  admit: admitLines,
  goesOn: () => true,
  lacksUsage: () => false,
  read: readBatch,
  readParts: readBatchParts,
  readStream() {
    throw new ProxyError('upstream_invalid_response');
  },
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
