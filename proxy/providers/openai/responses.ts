import { asObject, asString, type Body, errorCodeOf, parseObject } from '../json.ts';
import type { Reading, StreamOptions, StreamReader } from '../reading.ts';
import { makeEventSplitter, parseEvent } from '../sse.ts';
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

const textDelta = 'event: response.output_text.delta\ndata:';

/** Whether it is an event with a piece of text, in OpenAI's spelling: a name and one line of data. */
function isTextDelta(raw: string): boolean {
  return raw.startsWith(textDelta) && raw.indexOf('\n', textDelta.length) === raw.length - 2 && !raw.includes('\r');
}

function makeReader({ keepOutput, body }: StreamOptions): StreamReader {
  const events = makeEventSplitter();
  let partial = readResponse(null);
  let reading: Reading | undefined;
  let hasOutput = false;
  let lastData: string | undefined;

  const observe = (raw: string) => {
    if (isTextDelta(raw)) {
      hasOutput = true;
      return;
    }
    const { name, data } = parseEvent(raw);
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
      for (const raw of events.push(chunk)) if (reading === undefined) observe(raw);
      return events.freed();
    },
    end() {
      const last = events.end();
      if (last !== undefined && reading === undefined) observe(last);
      return events.freed();
    },
    reading: () => reading,
    hasOutput: () => hasOutput,
    partial: () => partial,
    output: () => (lastData === undefined ? undefined : JSON.stringify(parseObject(lastData)?.response)),
    isBetweenEvents: () => !events.isInside(),
  };
}
