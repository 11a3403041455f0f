import { isJsonObject, type JsonObject } from '../json.ts';
import type { Content, Lookup } from '../lookup.ts';
import { pageOf } from '../paging.ts';
import { ProviderError } from '../provider-error.ts';
import { requireStored, type StoredResponse } from '../response-store.ts';
import { cancelledResponse, openResponse } from './response-object.ts';
import { responseStream } from './response-stream.ts';
import { countInputTokens } from './responses.ts';

export function readResponse({ keep, id, query }: Lookup): JsonObject | Content {
  const stored = requireStored(keep.responses, id);
  if (query.get('stream') !== 'true') return describe(stored);
  const after = Number(query.get('starting_after') ?? -1);
  return { contentType: 'text/event-stream; charset=utf-8', chunks: eventsAfter(stored, after) };
}

/** Cancels a background response. One that has already ended is returned unchanged. */
export function cancelResponse({ keep, id }: Lookup): JsonObject {
  const stored = requireStored(keep.responses, id);
  if (!stored.work) {
    throw new ProviderError('Cannot cancel a synchronous response.', { code: 'invalid_request_error' });
  }
  stored.work.end('cancelled');
  return describe(stored);
}

export function deleteResponse({ keep, id }: Lookup): JsonObject {
  requireStored(keep.responses, id);
  keep.responses.delete(id);
  return { id, object: 'response', deleted: true };
}

/** Lists the input of a response: its own, and that of the chain before it. The newest comes first. */
export function listInputItems({ keep, id, query }: Lookup): JsonObject {
  const { input, previousId } = requireStored(keep.responses, id);
  const earlier = keep.responses
    .chain(previousId)
    .flatMap((stored) => [...stored.input, ...outputItems(stored.response)]);
  return pageOf([...earlier, ...input], query);
}

export function inputTokens({ keep, body }: Lookup): JsonObject {
  return countInputTokens(keep, body);
}

function describe({ response, plan, work }: StoredResponse): JsonObject {
  if (!work || work.state === 'completed') return response;
  return work.state === 'cancelled' ? cancelledResponse(plan) : openResponse(plan, work.state);
}

/** The stream of a response after an event. Where the response is not finished, the stream follows its progress. */
async function* eventsAfter({ response, plan, work }: StoredResponse, after: number): AsyncIterable<string> {
  const stream = responseStream(plan, response);
  let sequence = 0;
  for (const { part, data } of stream.events()) {
    if (part !== 'opening') await work?.ended;
    if (work?.state === 'cancelled') return;
    if (sequence > after) yield stream.encode(data, sequence);
    sequence += 1;
  }
}

function outputItems({ output }: JsonObject): JsonObject[] {
  return Array.isArray(output) ? output.filter(isJsonObject) : [];
}
