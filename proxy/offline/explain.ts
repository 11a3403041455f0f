import { type ProviderPause, readPauses } from '../../database/provider-pauses.ts';
import type { Queryable } from '../../database/queryable.ts';
import { readCounterRoom } from '../../database/rule-use.ts';
import { makePolicies, placeOf } from '../cache/policy.ts';
import { makeExplain } from '../calls/explain/explain.ts';
import { makeIdentify } from '../calls/identify/identify.ts';
import { makeModelRules } from '../calls/models/model-rules.ts';
import { makeHistories } from '../calls/reserve/history.ts';
import type { RouteHealth } from '../calls/route/health.ts';
import { ProxyError } from '../error.ts';
import { type AskedCall, bodyOf, findOperation } from '../governance/explain.ts';
import { namespacesOf, putInForce, readSealed } from '../governance/simulation/in-force.ts';
import { makeInFlight } from '../in-flight.ts';
import { makeLookUps } from '../look-ups.ts';
import { providerTable } from '../providers/table.ts';
import { makeDatabaseClock } from '../quota/database-clock.ts';
import { type ShownExplanation, showExplanation } from '../surfaces/governance/show-explanation.ts';
import { surfaceTable } from '../surfaces/table.ts';

export type { ShownExplanation } from '../surfaces/governance/show-explanation.ts';

export interface OfflineQuestion extends AskedCall {
  readonly organizationId: string;
  /** Whether one proxy serves all namespaces, as in a `chaperone up`. */
  readonly isOneMachine: boolean;
  /** The call's `X-Optimization-Level`. */
  readonly level?: string | undefined;
}

/** As much as any body needs. */
const maxBodyBytes = 256 * 1024 * 1024;

/**
 * Explains a call from the database alone, as a proxy that has just started would.
 *
 * @param db the owner's connection
 * @throws {Error} where there is no such operation
 */
export async function explainOffline(db: Queryable, question: OfflineQuestion): Promise<ShownExplanation> {
  const { organizationId, namespace, isOneMachine, user, session, level } = question;
  const sealed = await readSealed(db, organizationId);
  const inForce = putInForce(sealed, namespacesOf(sealed, { isOneMachine })(namespace));
  const inFlight = makeInFlight(maxBodyBytes);
  const policyOf = makePolicies();
  const query = <T>(work: (to: Queryable) => Promise<T>) => work(db);
  const { ownership } = makeLookUps({ organizationId, spool: emptySpool, follower: { query }, store: { run: query } });
  const explain = makeExplain({
    inForce: () => inForce,
    catchUp: async () => {},
    identify: makeIdentify(organizationId),
    ownership,
    providers: providerTable,
    health: healthOf(await readPauses(db, organizationId)),
    inFlight,
    // The keys of answers are digests that only proxies can make.
    lookAtCache: async (call, workload) => {
      const { cache } = call.snapshot.spec;
      const place = cache && placeOf(call, policyOf(cache), workload);
      return place && 'bypass' in place ? { result: 'bypass', ...place.bypass } : { result: 'unknown' };
    },
    modelRules: makeModelRules(),
    quota: { free: () => 0, idle: async () => {}, clock: makeDatabaseClock() },
    histories: makeHistories(),
    origin: undefined,
    readRoom: (ids) => readCounterRoom(db, organizationId, ids),
  });
  const operation = findOperation(surfaceTable, question);
  const explanation = await explain({
    context: {
      requestId: 'req_explained',
      startedAtMs: Date.now(),
      startedTicks: performance.now(),
      inForce,
      share: inFlight.open(),
    },
    identity: { user: namespace === undefined ? user : undefined, namespace, roles: [] },
    headers: {
      ...(user !== undefined && { 'x-user-id': user }),
      ...(session !== undefined && { 'x-session-id': session }),
      ...(level !== undefined && { 'x-optimization-level': level }),
    },
    ...(namespace !== undefined && { origin: { namespace, workload: question.workload ?? '' } }),
    operation,
    body: bodyOf(question, operation),
  });
  const notes = [
    ...explanation.notes,
    'How long answers were so far is in the memory of proxies, and makes bounds tighter. POST /v1/explain knows it of one.',
    ...(question.body?.persona_id == null ? [] : ['The text of the persona is sealed, so the bounds leave it out.']),
  ];
  return showExplanation({ ...explanation, notes });
}

/** What proxies have told each other of providers and keys that fail. */
function healthOf(pauses: readonly ProviderPause[]): Pick<RouteHealth, 'isCalm' | 'stateOf'> {
  const now = pauses.filter(({ remainingMs }) => remainingMs > 0);
  return {
    isCalm: () => now.length === 0,
    stateOf({ id, provider }, model) {
      const isOpen = now.some(
        ({ scope, provider: name, apiKeyId }) =>
          (scope === 'provider' && name === provider.name) || (scope === 'key' && apiKeyId === id),
      );
      if (isOpen) return 'open';
      const isOfModel = ({ scope, apiKeyId, id: pause }: ProviderPause) =>
        scope === 'model' && apiKeyId === id && pause.endsWith(` ${model ?? ''}`);
      return now.some(isOfModel) ? 'limited' : 'well';
    },
  };
}

/** Of a proxy that has answered nothing. */
const emptySpool = {
  find: () => undefined,
  findByKeptId: () => undefined,
  findResource: () => undefined,
  listResources: () => [],
  own() {
    throw new ProxyError('spool_unwritable');
  },
};
