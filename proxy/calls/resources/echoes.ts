import type { Outcome } from '../call.ts';

const escaped = '\\u';

/**
 * Whether a request's body has an id anywhere: then the answer's is no new one of the provider's, but may be another
 * user's that the provider has only given back.
 */
export function mentions(body: string | Buffer, id: string): boolean {
  if (body.includes(id)) return true;
  return body.includes(escaped) && saysEscaped(body.toString(), id);
}

/** An id may be written with escapes. */
function saysEscaped(text: string, id: string): boolean {
  let isSaid = false;
  try {
    JSON.parse(text, (name, value) => {
      if (name === id || value === id) isSaid = true;
      return value;
    });
  } catch {
    // No JSON, so nothing in it is read as an id.
  }
  return isSaid;
}

/** The outcome without the ids that the request had: only what the provider made becomes the caller's own. */
export function withoutEchoes(outcome: Outcome, body: string | Buffer): Outcome {
  const { keptIds = [], responseId } = outcome;
  const isNew = (id: string) => !mentions(body, id);
  const made = keptIds.filter(isNew);
  const isOwn = responseId === null || isNew(responseId);
  if (made.length === keptIds.length && isOwn) return outcome;
  return { ...outcome, keptIds: made, responseId: isOwn ? responseId : null };
}
