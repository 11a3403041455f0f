import { randomHex } from '../../../database/ids.ts';
import type { ProxyError } from '../../error.ts';

/** The `error` event of a session. @param eventId the client's event that it is about */
export function errorEvent({ code, message, param, status }: ProxyError, eventId: string | null): object {
  const type = code === 'insufficient_quota' ? code : typeOfStatus(status);
  return { type: 'error', event_id: makeEventId(), error: { type, code, message, param, event_id: eventId } };
}

export function makeEventId(): string {
  return `event_${randomHex(12)}`;
}

/** The type of an error with this status. */
export function typeOfStatus(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
