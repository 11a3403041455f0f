import { makeRequestId } from '../../../database/ids.ts';
import type { Call } from '../../../proxy/calls/call.ts';
import { makeKey, organizationId } from '../snapshot.ts';

/** A chat of Ann's. */
export function makeCall(fields: Partial<Call> = {}): Call {
  const startedAtMs = Date.now();
  return {
    kind: 'call',
    requestId: makeRequestId(startedAtMs),
    startedAtMs,
    startedTicks: performance.now(),
    operation: 'chat',
    caller: {
      identity: { user: 'ann', roles: [] },
      roles: [],
      user: 'ann',
      userId: organizationId,
      sessionId: 'sess_1',
      turnId: undefined,
    },
    input: () => '{}',
    body: {},
    isStream: () => false,
    requestedModel: 'gpt-4o-mini',
    persona: undefined,
    previousResponseId: undefined,
    key: makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091'),
    guard: undefined,
    ...fields,
  };
}
