import type { Operation } from '../../operations/operation.ts';
import type { Body } from '../../providers/json.ts';
import { formatIsOffered, type ProviderTable } from '../../providers/table.ts';
import type { CallContext } from '../context.ts';
import type { MadeBy } from '../resources/ownership.ts';
import { Fallback } from './fallback.ts';
import type { RouteHealth } from './health.ts';
import { routeKeys } from './route.ts';

/** What decides about the further attempts of a call. */
export interface Repeatable {
  readonly context: CallContext;
  readonly operation: Operation;
  readonly body: Body;
  readonly model: string | undefined;
  /** What the call refers to, and so the one key that it can go to. */
  readonly madeBy: MadeBy | undefined;
  readonly isIdempotent: boolean;
  readonly health: RouteHealth;
}

/** Makes what chooses the further attempts of a call, by the Organization's rules. */
export function makeFallback(
  providers: ProviderTable,
  { context, operation, body, model, madeBy, isIdempotent, health }: Repeatable,
): Fallback {
  const { caller, inForce, startedAtMs: nowMs, startedTicks } = context;
  const { snapshot } = inForce;
  return new Fallback({
    keys() {
      const keys = routeKeys(snapshot, { caller, model, predecessor: madeBy, nowMs }, Math.random);
      const offered = keys.filter(({ provider }) => formatIsOffered(providers, provider, operation.name));
      return health.prefer(offered, model);
    },
    onFailure: (key, failure) => health.failed(key, model, failure),
    effects: operation.effects?.(body) ?? 'none',
    isIdempotent,
    attempts: snapshot.retries.attempts,
    withinMs: snapshot.retries.withinMs,
    ageMs: () => performance.now() - startedTicks,
    random: Math.random,
  });
}
