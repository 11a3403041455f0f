import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type CallPeriod,
  type CallPlace,
  type RecordedCall,
  readRecordedPage,
} from '../../../database/recorded-calls.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { admitRole } from '../roles.ts';
import { SimulationMistake } from './mistake.ts';
import { parsePeriod } from './period.ts';
import type { NamedSimulation } from './show.ts';
import { simulate } from './simulate.ts';

/** What somebody wants to know of a change. */
export interface SimulationQuestion {
  /** The changed resources, as kubectl takes them. */
  readonly resources: string;
  /** Such as `7d`, or a time. */
  readonly since: string;
  readonly until?: string | undefined;
  /** External id. Absent: of all users. */
  readonly user?: string | undefined;
  readonly model?: string | undefined;
}

/** So many calls are judged between two turns of the event loop: some 10 ms, for which other calls wait. */
const pageSize = 500;
/** A proxy serves calls meanwhile; `chaperone simulate` has no bound. */
const mostCalls = 500_000;

type Context = Pick<GovernanceContext, 'inForce' | 'store' | 'shipped' | 'origin'>;

/** Replays recorded calls against a changed configuration. */
export type Simulate = ReturnType<typeof makeSimulate>;

/** Makes the function that simulates, one at a time: each reads and judges for seconds. */
export function makeSimulate(context: Context) {
  let isBusy = false;

  /**
   * Says what a changed configuration would have done with the recorded calls of a period, for an admin. Nothing is
   * written.
   *
   * @throws {ProxyError} `role_required`; `invalid_request` where the resources or the period are wrong; `overloaded`
   * while another simulation runs; `records_pending`, `store_unavailable`
   */
  return async (caller: Caller, question: SimulationQuestion): Promise<NamedSimulation> => {
    admitRole(caller, 'admin');
    if (isBusy) {
      const message = 'Another simulation runs on this proxy; try again when it has ended';
      throw new ProxyError('overloaded', { message, headers: { 'retry-after': '5' } });
    }
    isBusy = true;
    try {
      return await answer(context, question);
    } catch (error) {
      if (!(error instanceof SimulationMistake)) throw error;
      throw new ProxyError('invalid_request', { param: error.param, message: error.message });
    } finally {
      isBusy = false;
    }
  };
}

async function answer(
  { inForce, store, shipped, origin }: Context,
  { resources, user, model, ...times }: SimulationQuestion,
): Promise<NamedSimulation> {
  const { snapshot, namespaces } = inForce();
  const { organizationId, organizationName: organization } = snapshot;
  const period = parsePeriod(times, Date.now(), { since: 'since', until: 'until' });
  // The definitions and what reads them are large, and seldom needed.
  const { readChange } = await import('./read-change.ts');
  const { changed } = readChange('resources', resources, organization);
  await shipped();
  const simulation = await simulate(
    { query: store.run, calls: (of) => readCalls(store, organizationId, of) },
    {
      ...{ organizationId, changed, ...period, user, model, isOneMachine: false },
      ...(origin === undefined && { outsidePods: (namespace: string) => namespaces.has(namespace) }),
    },
  );
  return { organization, ...period, user, model, ...simulation };
}

/** Page by page, so that other work with the database goes on in between. */
async function* readCalls(
  store: Context['store'],
  organizationId: string,
  period: CallPeriod,
): AsyncGenerator<readonly RecordedCall[]> {
  let after: CallPlace | undefined;
  let read = 0;
  do {
    const from = after;
    const { calls, last } = await store.run((db) => readRecordedPage(db, organizationId, period, from, pageSize));
    read += calls.length;
    if (read > mostCalls) {
      const message = `since must leave at most ${mostCalls} calls, with those that limits have counted before; \`chaperone simulate\` has no bound`;
      throw new SimulationMistake('since', message);
    }
    yield calls;
    await nextTurn();
    after = last;
  } while (after);
}
