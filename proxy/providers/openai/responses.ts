import { asObject, asString, type Body, errorCodeOf, parseObject } from '../json.ts';
import type { Reading, StreamOptions, StreamReader } from '../reading.ts';
import { makeEventSplitter } from '../sse.ts';
import type { WireFormat } from '../wire-format.ts';
import { readKeptIds } from './kept-ids.ts';
import { addToolCalls, readTokenUsage } from './token-usage.ts';
import { readToolCalls } from './tool-calls.ts';

/** `POST /v1/responses`. */
export const responses: WireFormat = {
  path: '/responses',
  needsUsageOption: () => false,
  read: readResponse,
  readStream: makeReader,
};

export function readResponse(answer: unknown, body: Body = {}): Reading {
  const response = asObject(answer);
  const usage = readTokenUsage(response?.usage);
  const status = asString(response?.status);
  const failed = status === 'failed' || (response?.error !== undefined && response.error !== null);
  return {
    failed,
    errorCode: failed ? errorCodeOf(response?.error) : null,
    responseId: asString(response?.id),
    model: asString(response?.model),
    serviceTier: asString(response?.service_tier),
    usage: { ...usage, toolCalls: addToolCalls(usage.toolCalls, readToolCalls(response, body)) },
    ...readKeptIds(response),
    ...(response?.background === true && { state: stateOf(status) }),
  };
}

function stateOf(status: string | null): Reading['state'] {
  if (status === 'queued' || status === 'in_progress') return 'pending';
  return status === 'cancelled' ? 'cancelled' : undefined;
}

/** The events that contain the whole response. All except the first end the stream. */
const wholeResponse = new Set([
  'response.created',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
]);

function makeReader({ keepOutput, body }: StreamOptions): StreamReader {
  const events = makeEventSplitter();
  let partial = readResponse(null);
  let reading: Reading | undefined;
  let hasOutput = false;
  let lastData: string | undefined;

  const observe = (name: string, data: string) => {
    // OpenAI's streams name the type in each event. Where the name is missing, the data has the type.
    const type = name !== '' ? name : (asString(parseObject(data)?.type) ?? '');
    if (type.endsWith('.delta')) hasOutput = true;
    else if (type === 'error') {
      const error = parseObject(data);
      reading = { ...partial, failed: true, errorCode: errorCodeOf(asObject(error?.error) ?? error) };
    } else if (wholeResponse.has(type)) {
      const read = readResponse(parseObject(data)?.response, body);
      if (type === 'response.created') partial = read;
      else {
        reading = type === 'response.failed' ? { ...read, failed: true, errorCode: read.errorCode ?? 'failed' } : read;
        if (keepOutput) lastData = data;
      }
    }
  };

  return {
    read(chunk) {
      for (const event of events.push(chunk)) if (reading === undefined) observe(event.name, event.data);
      return events.freed();
    },
    end() {
      const last = events.end();
      if (last && reading === undefined) observe(last.name, last.data);
      return events.freed();
    },
    reading: () => reading,
    hasOutput: () => hasOutput,
    partial: () => partial,
    output: () => (lastData === undefined ? undefined : JSON.stringify(parseObject(lastData)?.response)),
    isBetweenEvents: () => !events.isInside(),
  };
}
