import { generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import type { Caller } from '../../../proxy/calls/call.ts';
import { makeModelRules } from '../../../proxy/calls/models/model-rules.ts';
import type { GovernanceContext } from '../../../proxy/governance/context.ts';
import { chat } from '../../../proxy/operations/chat.ts';
import { providerTable } from '../../../proxy/providers/table.ts';
import type { Snapshot } from '../../../proxy/snapshot/snapshot.ts';
import type { Store } from '../../../proxy/store.ts';
import { makeSnapshot, organizationId } from '../snapshot.ts';

/** Thrown where a use case has admitted the caller and goes on to the database. */
export class Reached extends Error {}

/** What use cases work with, with a database that is never there, but for what the test says. */
export function makeGovernance(
  snapshot: Partial<Snapshot> = {},
  changes: Partial<GovernanceContext> = {},
): GovernanceContext {
  const reach = () => Promise.reject(new Reached());
  const inForce = {
    snapshot: makeSnapshot(snapshot),
    envelope: makeEnvelope(generateDataKeys()),
    namespaces: new Map(),
  };
  const store: Store = {
    run: reach,
    get ahead() {
      return store;
    },
    close: async () => {},
  };
  return {
    pipeline: { admit: reach, ask: reach, explain: reach },
    surfaces: [{ calls: { prefix: '/v1', operations: [chat] } }],
    inForce: () => inForce,
    modelRules: makeModelRules(),
    providers: providerTable,
    origin: undefined,
    store,
    metrics: { analyses: { inc() {} } },
    spool: { rate() {}, findWaiting: () => undefined },
    shipped: async () => {},
    findRequest: async () => undefined,
    catchUp: async () => {},
    ...changes,
  };
}

/** Ann, with these roles. */
export function makeCaller(roles: readonly string[], changes: Partial<Caller> = {}): Caller {
  return {
    identity: { user: 'ann', roles },
    roles,
    user: 'ann',
    userId: organizationId,
    sessionId: 'sess_1',
    turnId: undefined,
    ...changes,
  };
}
