import { asObject, asString, errorCodeOf } from '../json.ts';
import type { Reading } from '../reading.ts';
import { unknownUsage } from '../usage.ts';

/**
 * Reads the fields that all answers have. The operation's own reader adds the usage, unless the answer is a failure.
 */
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
