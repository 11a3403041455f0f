import { ProxyError } from '../error.ts';
import { asObject, asString, errorCodeOf } from '../providers/json.ts';
import { readTokenUsage } from '../providers/openai/token-usage.ts';
import type { Reading } from '../providers/reading.ts';
import { readBatchParts } from './batch-parts.ts';
import type { Operation } from './operation.ts';

/** `POST /v1/batches`. Its lines are calls of their own, which the provider makes later and bills as one. */
export const batches: Operation = {
  name: 'batches',
  surface: 'batches',
  path: '/batches',
  required: ['input_file_id', 'endpoint'],
  modelIsOptional: true,
  applyPersona() {
    throw new ProxyError('persona_not_supported', { param: 'persona_id' });
  },
  runsInBackground: () => true,
  needsUsageOption: () => false,
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
