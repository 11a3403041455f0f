import { asArray, asObject, asString, type Body, errorCodeOf } from '../json.ts';
import type { Reading } from '../reading.ts';
import { readMessageUsage, readTier } from './usage.ts';

/** Reads a whole message of Anthropic's, or an error. */
export function readMessage(answer: unknown): Reading {
  const message = asObject(answer);
  const failed = message?.type === 'error' || (message?.error !== undefined && message.error !== null);
  const usage = asObject(message?.usage);
  const model = asString(message?.model);
  const container = asString(asObject(message?.container)?.id);
  return {
    failed,
    errorCode: failed ? errorCodeOf(message?.error) : null,
    responseId: asString(message?.id),
    model,
    serviceTier: readTier(usage, model),
    usage: readMessageUsage(usage, asArray(message?.content)),
    ...(container !== null && { keptIds: [container] }),
  };
}

/** The usage in a later event. It counts from the beginning of the message, and has no field that did not change. */
export function mergeUsage(earlier: Body | null, later: Body | null): Body | null {
  if (!later) return earlier;
  const known = Object.entries(later).filter(([, value]) => value !== null && value !== undefined);
  return { ...earlier, ...Object.fromEntries(known) };
}
