import { asObject, asString, errorCodeOf } from '../json.ts';
import type { Reading } from '../reading.ts';
import { unknownUsage } from '../usage.ts';

/** Reads what all answers have in common. What it used is added by whoever reads more of it, unless it failed. */
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
