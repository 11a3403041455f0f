import type { AnswerCache } from '../cache/answer-cache.ts';
import type { CacheUse } from '../cache/cache-use.ts';
import type { Asked, Link, Linked } from '../conversations/links.ts';
import { ProxyError } from '../error.ts';
import type { Operation } from '../operations/operation.ts';
import type { ProviderTable } from '../providers/table.ts';
import type { WireFormat } from '../providers/wire-format.ts';
import type { Provider } from '../snapshot/snapshot.ts';
import { headersOfTerms } from './admit/model-terms.ts';
import type { Permit, Permitted } from './admit/permit.ts';
import { inResponseFormat } from './admit/response-format.ts';
import type { UsageRefusals } from './admit/usage-option.ts';
import type { AnswerCall } from './answer/answer-call.ts';
import { makeAttempt } from './attempt.ts';
import { cacheableCallOf, goneOf } from './cacheable-call.ts';
import type { Call } from './call.ts';
import type { OpenRequest } from './call-request.ts';
import { makeNextAttempt } from './next-attempt.ts';
import type { Reservation, Reserve, Sought } from './reserve/reserve.ts';
import type { RouteHealth } from './route/health.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import { whenKnown } from './when-known.ts';

/**
 * Makes a call whose body is JSON. It returns as soon as the call is on its way, mostly in the same turn of the event
 * loop.
 *
 * @throws {ProxyError} where the call is not made; the promise rejects with it, if there is one
 */
export type RunBody = (request: OpenRequest, rawBody: Buffer) => void | Promise<void>;

export interface RunBodyOptions {
  readonly permit: Permit;
  readonly cache: Pick<AnswerCache, 'use'>;
  readonly link: Link;
  readonly reserve: Reserve;
  readonly answerCall: AnswerCall;
  readonly providers: ProviderTable;
  readonly usageRefusals: UsageRefusals;
  readonly health: RouteHealth;
}

export function makeRunBody({
  permit,
  cache,
  link,
  reserve,
  answerCall,
  providers,
  usageRefusals,
  health,
}: RunBodyOptions): RunBody {
  const answer = (
    request: OpenRequest,
    permitted: Permitted,
    sought: Sought,
    reservation: Reservation,
    cached: CacheUse | undefined,
  ) => {
    const operation = inResponseFormat(request.operation, request.headers, request.context.inForce.snapshot);
    const { context } = permitted;
    const { snapshot } = context.inForce;
    const { changes } = reservation;
    // What is asked then is not what the answer would be kept for.
    if (changes) cached?.giveUp();
    const source = changes ? { ...permitted.source, changes } : permitted.source;
    const first = changes
      ? makeAttempt(providers, source, permitted.first.key, permitted.first.hideUsage)
      : permitted.first;
    const headersFor = ({ passes }: WireFormat, provider: Provider) => {
      const made = upstreamHeaders(request.headers, snapshot, context.caller, provider, passes);
      made['content-type'] = 'application/json';
      return made;
    };
    const headers = headersFor(first.format, first.key.provider);
    const linked = link(linkOf(request.operation, permitted), context.inForce.envelope);
    const call = callOf(request.operation, permitted, cached, linked);
    const isIdempotent = 'idempotency-key' in headers;
    const { madeBy } = permitted;
    const mayHaveRefused = first.hideUsage && first.format.translation?.takesUsageOption !== false;
    const next =
      (mayHaveRefused || snapshot.mayFallBack) && cached?.status !== 'hit'
        ? makeNextAttempt({
            ...{ providers, usageRefusals, context, source, madeBy, isIdempotent, headersFor, health },
            ...{ reservation, sought },
          })
        : undefined;
    const told = headersOfTerms(permitted.terms, permitted.source.model);
    answerCall(request, { context, operation, call, headers, first, next, reservation, told });
  };
  const make = (request: OpenRequest, permitted: Permitted, cached?: CacheUse) => {
    const sought = soughtOf(request.operation, permitted, cached);
    const reserving = reserve(sought);
    const end = reserving instanceof Promise ? request.context.trace?.step('reserve') : undefined;
    return whenKnown(reserving, (reservation) => {
      end?.();
      try {
        answer(request, permitted, sought, reservation, cached);
      } catch (error) {
        reservation.release();
        throw error;
      }
    });
  };
  const makeCached = async (request: OpenRequest, permitted: Permitted, cached: CacheUse) => {
    try {
      await make(request, permitted, cached);
    } catch (error) {
      cached.giveUp();
      if (error instanceof ProxyError) error.headers = { ...cached.headers, ...error.headers };
      throw error;
    }
  };
  const useOf = (request: OpenRequest, permitted: Permitted) =>
    permitted.context.inForce.snapshot.spec.cache &&
    !request.speak &&
    cache.use(cacheableCallOf(request, permitted, goneOf(request.response)));
  return (request, rawBody) => {
    const { context, operation } = request;
    const end = context.trace?.step('admission');
    return whenKnown(permit({ context, operation, rawBody }), (permitted) => {
      end?.();
      context.trace?.asks(permitted.source.model, permitted.first.key);
      const look = context.inForce.snapshot.spec.cache && context.trace?.step('cache');
      return whenKnown(useOf(request, permitted), (cached) => {
        look?.({ 'chaperone.cache': cached ? cached.status : undefined });
        return cached ? makeCached(request, permitted, cached) : make(request, permitted);
      });
    });
  };
}

/** What limits and budgets need to know of an admitted call. @param cached what the cache does for it */
export function soughtOf(
  operation: Operation,
  { context, source, first, lines }: Permitted,
  cached?: Pick<CacheUse, 'status'>,
): Sought {
  const { asked, body, model } = source;
  const hasReferences = asked.fields.references.length > 0;
  const sought = { context, operation: operation.name, model, key: first.key, body, sent: first.body, hasReferences };
  return { ...sought, lines, isReplayed: cached?.status === 'hit' };
}

function callOf(
  operation: Operation,
  { context, source, terms, first, guard }: Permitted,
  cached: CacheUse | undefined,
  linked: Linked | undefined,
): Call {
  const { rawBody, body, model, persona } = source;
  return {
    kind: 'call',
    requestId: context.requestId,
    startedAtMs: context.startedAtMs,
    startedTicks: context.startedTicks,
    operation: operation.name,
    caller: context.caller,
    input: () => rawBody,
    body,
    isStream: () => body.stream === true,
    requestedModel: model,
    modelAlias: terms?.alias,
    persona,
    previousResponseId: typeof body.previous_response_id === 'string' ? body.previous_response_id : undefined,
    key: first.key,
    guard,
    cached,
    linked,
    trace: context.trace,
  };
}

function linkOf({ name }: Operation, { context, said, saidRaw, madeBy }: Permitted): Asked {
  const { userId, sessionFrom, sessionId } = context.caller;
  return {
    operation: name,
    body: said,
    raw: saidRaw,
    userId,
    session: sessionFrom === undefined ? undefined : sessionId,
    previous: madeBy?.predecessor?.place,
  };
}
