import { ProxyError } from '../error.ts';
import type { ProviderTable } from '../providers/table.ts';
import type { WireFormat } from '../providers/wire-format.ts';
import type { Provider, RoutedKey } from '../snapshot/snapshot.ts';
import { refusesUsageOption, type UsageRefusals } from './admit/usage-option.ts';
import { type Attempt, type AttemptSource, type JsonAttempt, makeAttempt } from './attempt.ts';
import type { CallContext } from './context.ts';
import type { Reservation, Sought } from './reserve/reserve.ts';
import type { MadeBy } from './resources/ownership.ts';
import type { Failure } from './route/failure.ts';
import type { RouteHealth } from './route/health.ts';
import { makeFallback } from './route/make-fallback.ts';
import { makeSuccession, type Succeed } from './succession.ts';

/**
 * Decides how a call goes on whose attempt failed before the client had any of its answer. Undefined: the call ends with
 * that failure.
 */
export type NextAttempt = (failed: Attempt, failure: Failure) => ReturnType<Succeed<Attempt>>;

export interface NextAttemptOptions {
  readonly providers: ProviderTable;
  readonly usageRefusals: UsageRefusals;
  readonly context: CallContext;
  readonly source: AttemptSource;
  readonly reservation: Reservation;
  /** What limits and budgets know of the first attempt. */
  readonly sought: Sought;
  readonly madeBy: MadeBy | undefined;
  readonly isIdempotent: boolean;
  readonly health: RouteHealth;
  /** The headers for a provider, which is asked in this format. */
  readonly headersFor: (format: WireFormat, provider: Provider) => Readonly<Record<string, string>>;
}

export function makeNextAttempt(options: NextAttemptOptions): NextAttempt {
  const { providers, usageRefusals, context, source, reservation, sought, headersFor } = options;
  const { mayFallBack } = context.inForce.snapshot;
  const { model, body } = source;
  /** With the changes by which budgets have shortened the answer so far. */
  const present = () => (reservation.changes ? { ...source, changes: reservation.changes } : source);
  const attemptWith = (key: RoutedKey): JsonAttempt | undefined => {
    const mayAskForUsage = body.stream !== true || !usageRefusals.has(key.provider, model);
    try {
      const attempt = makeAttempt(providers, present(), key, mayAskForUsage);
      return { ...attempt, headers: headersFor(attempt.format, key.provider) };
    } catch (error) {
      if (error instanceof ProxyError) return undefined;
      throw error;
    }
  };
  let succeed: Succeed<JsonAttempt> | undefined;
  const makeSucceed = () =>
    makeSuccession<JsonAttempt>({
      ...{ context, model, reservation, attemptWith },
      fallback: () => makeFallback(providers, { ...options, ...source }),
      soughtOf: ({ body: sent }, key) => ({ ...sought, key, sent, body: { ...sought.body, ...reservation.changes } }),
    });
  return (failed, failure) => {
    const { key, format } = failed;
    const mayHaveRefused = failed.hideUsage && format.translation?.takesUsageOption !== false;
    if (mayHaveRefused && refusesUsageOption(failure.status ?? 0, failure.text)) {
      const { headers } = failed;
      const plain = { ...makeAttempt(providers, present(), key, false), ...(headers && { headers }) };
      return { attempt: { ...plain, onTaken: () => usageRefusals.add(key.provider, model) }, delayMs: 0 };
    }
    if (!mayFallBack) return undefined;
    succeed ??= makeSucceed();
    return succeed(key, failure);
  };
}
