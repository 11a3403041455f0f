import type { ProxyError } from '../../error.ts';
import { asObject, asString, type Body } from '../../providers/json.ts';
import { typeOfStatus } from '../realtime/events.ts';

/** The lane of a WebSocket in which responses are made one after another. Undefined: the client names none. */
export type Lane = string | undefined;

/** The lane that an event of either side names. */
export function laneOf(event: Body | undefined): Lane {
  return asString(event?.stream_id) ?? undefined;
}

/**
 * The `error` event of a session. A session that is over has the code by which OpenAI's clients open another one.
 *
 * @see https://developers.openai.com/api/docs/guides/websocket-mode
 */
export function errorEvent({ code, message, param, status }: ProxyError, lane: Lane): object {
  const shown = code === 'session_expired' ? 'websocket_connection_limit_reached' : code;
  const type = code === 'insufficient_quota' ? code : typeOfStatus(status);
  return inLane({ type: 'error', status, error: { type, code: shown, message, param } }, lane);
}

/** The `error` event of an answer that is no stream. @param body as the provider sent it */
export function errorEventOf(status: number, body: Body | null, text: string, lane: Lane): object {
  const message = text === '' ? `the provider answers with the status ${status}` : text.slice(0, 2_000);
  const error = asObject(body?.error) ?? { type: typeOfStatus(status), code: 'upstream_error', message, param: null };
  return inLane({ type: 'error', status, error }, lane);
}

/** Tells that the input is not taken: the client asks for another response with it. */
export function steerFailed({ input, previous_response_id: id }: Body): object {
  return {
    type: 'response.steer.failed',
    sequence_number: 0,
    error: {
      type: 'invalid_request_error',
      code: 'steering_not_supported',
      message: 'steering is not served here: send the input by response.create',
    },
    steer: { input: input ?? [], previous_response_id: id ?? '' },
  };
}

/** An event with its lane, where it has one. */
export function inLane(event: Readonly<Record<string, unknown>>, lane: Lane): Body {
  return lane === undefined || 'stream_id' in event ? event : { ...event, stream_id: lane };
}
