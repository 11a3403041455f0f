import { ProxyError } from '../../error.ts';
import { unknownUsage } from '../call.ts';
import { asObject, asString, errorCodeOf } from './json.ts';
import type { Operation, Reading } from './operation.ts';

/** For operations that have neither instructions for a persona to take the place of, nor streams. */
export const plain = {
  required: [],
  instruct() {
    throw new ProxyError('persona_not_supported', { param: 'persona_id' });
  },
  lacksUsage: () => false,
  readStream() {
    throw new ProxyError('upstream_invalid_response');
  },
} satisfies Partial<Operation>;

/** Reads what all answers have in common. What it used is added by the operation, unless it failed. */
export function readPlain(answer: unknown): Reading {
  const object = asObject(answer);
  const failed = object?.error !== undefined && object.error !== null;
  return {
    failed,
    errorCode: failed ? errorCodeOf(object.error) : null,
    responseId: asString(object?.id),
    model: asString(object?.model),
    serviceTier: asString(object?.service_tier),
    usage: unknownUsage,
  };
}
