import type { Outcome } from '../call.ts';

const escaped = '\\u';

/**
 * Whether a request's body contains an id. Then the id in the answer is not new: it may be another user's, which the
 * provider only repeated.
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
    // It is not JSON, so nobody reads an id in it.
  }
  return isSaid;
}

/** The outcome without the ids that the request had: only ids that the provider made become the caller's own. */
export function withoutEchoes(outcome: Outcome, body: string | Buffer): Outcome {
  const { keptIds = [], responseId } = outcome;
  const isNew = (id: string) => !mentions(body, id);
  const made = keptIds.filter(isNew);
  const isOwn = responseId === null || isNew(responseId);
  if (made.length === keptIds.length && isOwn) return outcome;
  return { ...outcome, keptIds: made, responseId: isOwn ? responseId : null };
}
