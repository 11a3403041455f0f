import type { Caller } from '../../../proxy/calls/call.ts';
import type { CallContext } from '../../../proxy/calls/context.ts';
import { type InFlight, makeInFlight } from '../../../proxy/in-flight.ts';
import type { Snapshot } from '../../../proxy/snapshot/snapshot.ts';
import { makeSnapshot } from '../snapshot.ts';
import { makeCall } from './call.ts';

/** The context of a call by Ann, except for what the test says. */
export function makeCallContext(
  snapshot: Partial<Snapshot> = {},
  caller: Partial<Caller> = {},
  memory: InFlight = makeInFlight(1_000_000),
): CallContext {
  const { requestId, startedAtMs, startedTicks, caller: ann } = makeCall();
  const inForce = { snapshot: makeSnapshot(snapshot) };
  return {
    requestId,
    startedAtMs,
    startedTicks,
    caller: { ...ann, ...caller },
    inForce: inForce as CallContext['inForce'],
    share: memory.open(),
  };
}
