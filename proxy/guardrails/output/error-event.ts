import type { ProxyError } from '../../error.ts';
import type { OperationName } from '../../providers/operation-name.ts';

/** Makes the event by which a surface's streams report an error. */
export type ErrorEvent = (problem: ProxyError, lastEvent: Readonly<Record<string, unknown>> | undefined) => string;

/** The event of an error in the streams of each operation. Clients of the others take that of chat completions. */
export function errorEventOf(operation: OperationName): ErrorEvent {
  if (operation === 'messages') return ofMessages;
  if (operation === 'realtime') return ofRealtime;
  return operation === 'responses' ? ofResponses : ofChunks;
}

/** @see https://platform.openai.com/docs/api-reference/responses-streaming/error */
const ofResponses: ErrorEvent = ({ message, code, param }, lastEvent) => {
  const last = lastEvent?.sequence_number;
  const data = {
    type: 'error',
    code,
    message,
    param,
    sequence_number: typeof last === 'number' ? last + 1 : 0,
  };
  return `event: error\ndata: ${JSON.stringify(data)}\n\n`;
};

/** @see https://platform.claude.com/docs/en/build-with-claude/streaming#error-events */
const ofMessages: ErrorEvent = ({ message, code, param }) => {
  const error = { type: 'invalid_request_error', message, details: { error_code: code, param } };
  return `event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`;
};

/** @see https://platform.openai.com/docs/api-reference/realtime-server-events/error */
const ofRealtime: ErrorEvent = ({ message, code, param }, lastEvent) => {
  const error = { type: 'invalid_request_error', code, message, param, event_id: null };
  return `data: ${JSON.stringify({ type: 'error', event_id: `event_after_${String(lastEvent?.event_id ?? '')}`, error })}\n\n`;
};

/** OpenAI's SDKs raise an exception for data with an `error`. */
const ofChunks: ErrorEvent = ({ message, code, param }) =>
  `data: ${JSON.stringify({ error: { message, type: 'invalid_request_error', param, code } })}\n\n`;
