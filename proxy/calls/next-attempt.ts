import { ProxyError } from '../error.ts';
import type { ProviderTable } from '../providers/table.ts';
import type { WireFormat } from '../providers/wire-format.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import { refusesUsageOption, type UsageRefusals } from './admit/usage-option.ts';
import { type Attempt, type AttemptSource, makeAttempt } from './attempt.ts';
import type { CallContext } from './context.ts';
import type { MadeBy } from './resources/ownership.ts';
import type { Failure } from './route/failure.ts';
import type { Fallback } from './route/fallback.ts';
import type { RouteHealth } from './route/health.ts';
import { makeFallback } from './route/make-fallback.ts';

/** An attempt that takes the place of one that failed. */
export interface Following {
  readonly attempt: Attempt;
  /** The pause before it. */
  readonly delayMs: number;
}

/**
 * Decides how a call goes on whose attempt failed before the client had any of its answer. Undefined: the call ends with
 * that failure.
 */
export type NextAttempt = (failed: Attempt, failure: Failure) => Following | undefined;

export interface NextAttemptOptions {
  readonly providers: ProviderTable;
  readonly usageRefusals: UsageRefusals;
  readonly context: CallContext;
  readonly source: AttemptSource;
  readonly madeBy: MadeBy | undefined;
  readonly isIdempotent: boolean;
  readonly health: RouteHealth;
  /** The headers for a provider that is asked in this format. */
  readonly headersFor: (format: WireFormat) => Readonly<Record<string, string>>;
}

export function makeNextAttempt(options: NextAttemptOptions): NextAttempt {
  const { providers, usageRefusals, context, source, headersFor } = options;
  const { mayFallBack } = context.inForce.snapshot;
  const { model, body } = source;
  let fallback: Fallback | undefined;
  /** The request to another key. Undefined where the call cannot be carried to its provider. */
  const attemptWith = (key: RoutedKey): Attempt | undefined => {
    const mayAskForUsage = body.stream !== true || !usageRefusals.has(key.provider, model);
    try {
      const attempt = makeAttempt(providers, source, key, mayAskForUsage);
      return { ...attempt, headers: headersFor(attempt.format) };
    } catch (error) {
      if (error instanceof ProxyError) return undefined;
      throw error;
    }
  };
  return (failed, failure) => {
    const { key, format } = failed;
    const mayHaveRefused = failed.hideUsage && format.translation?.takesUsageOption !== false;
    if (mayHaveRefused && refusesUsageOption(failure.status ?? 0, failure.text)) {
      const { headers } = failed;
      const plain = { ...makeAttempt(providers, source, key, false), ...(headers && { headers }) };
      return { attempt: { ...plain, onTaken: () => usageRefusals.add(key.provider, model) }, delayMs: 0 };
    }
    if (!mayFallBack) return undefined;
    fallback ??= makeFallback(providers, { ...options, ...source });
    for (let next = fallback.next(key, failure); next; next = fallback.next(next.key, cannotBeCarried)) {
      const attempt = attemptWith(next.key);
      if (attempt) return { attempt, delayMs: next.delayMs };
    }
    return undefined;
  };
}

/** A provider to which the call cannot be carried is passed over, as one that cannot be reached. */
const cannotBeCarried: Failure = { kind: 'unreachable', status: null, reason: 'invalid_request', text: '' };
