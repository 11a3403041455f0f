import { Readable } from 'node:stream';
import type { Linked } from '../../conversations/links.ts';
import type { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { formatOf, type ProviderTable } from '../../providers/table.ts';
import { translating } from '../../providers/translating.ts';
import type { Attempt } from '../attempt.ts';
import type { Call } from '../call.ts';
import type { OpenRequest } from '../call-request.ts';
import { type CallContext, termsOf } from '../context.ts';
import type { Reservation } from '../reserve/reserve.ts';
import type { RouteHealth } from '../route/health.ts';
import type { Account } from '../settle/account.ts';
import type { Metrics } from '../settle/metrics.ts';
import type { Settlement } from '../settle/settlement.ts';
import { type Forwarding, forward } from './forward.ts';

/** An admitted call, with the request that goes to its provider. */
export interface AdmittedCall {
  /** With the session from the body. */
  readonly context: CallContext;
  readonly operation: Operation;
  readonly call: Call;
  /** Headers for the provider. */
  readonly headers: Readonly<Record<string, string>>;
  readonly first: Attempt;
  /** What limits and budgets hold for the call. */
  readonly reservation: Reservation;
  /** Headers for the client about what rules about models changed. Undefined: nothing. */
  readonly told: Readonly<Record<string, string>> | undefined;
  readonly next: Forwarding['next'];
}

/** The steps after the reservation: intent, provider, client, settlement. */
export type AnswerCall = (request: Omit<OpenRequest, 'context' | 'operation'>, admitted: AdmittedCall) => void;

export interface AnswerCallOptions {
  readonly settlement: Settlement;
  readonly exchange: Exchange;
  readonly providers: ProviderTable;
  readonly health: RouteHealth;
  readonly metrics: Metrics;
  readonly drainMs: number;
}

export function makeAnswerCall(options: AnswerCallOptions): AnswerCall {
  const { settlement, exchange, providers, health, metrics, drainMs } = options;
  /** The exchange, by the API that each attempt's provider speaks, with the guard of the output around it. */
  const speaking =
    ({ operation, call, context }: AdmittedCall, upstream: Exchange): Exchange =>
    (request, sink) => {
      const base = call.cached?.over(upstream) ?? upstream;
      const format = formatOf(providers, request.key.provider, operation.name);
      const speak = format.translation ? translating(base, format.translation) : base;
      const read = () => format.readStream({ hideUsage: false, keepOutput: true, body: call.body });
      const hold = (bytes: number) => context.share.addAnswer(bytes);
      return (call.guard?.output?.guardExchange(speak, read, hold) ?? speak)(request, sink);
    };
  return ({ response, responseHeaders, refuse: show, onBlocked, onEnd: onOver, speak }, admitted) => {
    const upstream = speak?.(exchange) ?? exchange;
    const { context, operation, call, headers, first, next, reservation, told } = admitted;
    const { caller, inForce, share } = context;
    let own = ownHeaders(call, reservation, told);
    let isRefused = false;
    const refuse = (problem: ProxyError) => {
      isRefused = true;
      // After a fallback, limits of another key may be the tightest.
      problem.headers = { ...ownHeaders(call, reservation, told), ...problem.headers };
      show(problem, caller);
    };
    const onEnd = () => {
      const problem = call.guard?.output?.problem();
      if (problem && !isRefused) onBlocked(problem, caller);
      onOver();
    };
    const onOpened = (account: Account) => {
      const isReplayed = call.cached?.status === 'hit';
      if (!isReplayed) metrics.overhead.observe((performance.now() - context.startedTicks) / 1_000);
      const output = call.guard?.output;
      const isPlain = !call.cached && !output && !first.format.translation && !inForce.snapshot.mayFallBack;
      const headersToTell = own ? { ...responseHeaders(caller), ...own } : { ...responseHeaders(caller) };
      const hasBegun = forward(isPlain ? upstream : speaking(admitted, upstream), {
        call,
        operation,
        account,
        reservation,
        first,
        next,
        health: inForce.snapshot.mayFallBack && !isReplayed ? health : undefined,
        holdsStart: inForce.snapshot.mayFallBack && next !== undefined,
        keepOutput: inForce.snapshot.storesContents || call.cached?.needsOutput === true,
        headers,
        response,
        responseHeaders: headersToTell,
        refuse,
        share,
        drainMs,
        onEnd,
      });
      call.linked?.resolve?.({
        isOpen: () => !hasBegun() && !account.isSettled(),
        move(branchId) {
          headersToTell['x-branch-id'] = branchId;
          own = { ...own, 'x-branch-id': branchId };
          account.move(branchId);
        },
      });
      // A form is complete only when it has been sent.
      if (!(first.body instanceof Readable)) account.sealInput();
    };
    const onRefused = (problem: ProxyError) => {
      call.cached?.giveUp();
      refuse(problem);
      onEnd();
    };
    settlement.open(call, termsOf(inForce), reservation, onOpened, onRefused);
  };
}

/** Headers of the answer that limits, the cache, its conversation and rules about models add. Undefined: none. */
function ownHeaders(
  { cached, key, linked }: Call,
  { headers: rates }: Reservation,
  told: AdmittedCall['told'],
): Readonly<Record<string, string>> | undefined {
  const place = linked && placeHeaders(linked);
  // Nearly every call of an organization without rules.
  if (!cached && !told && !rates) return place;
  if (!cached) return told || place ? { ...rates, ...place, ...told } : rates;
  const answered =
    cached.status === 'hit' ? { 'x-chaperone-provider': key.provider.name, 'x-chaperone-attempts': '0' } : {};
  return { ...rates, ...place, ...cached.headers, ...answered, ...told };
}

function placeHeaders({ place }: Linked): Readonly<Record<string, string>> {
  return { 'x-conversation-id': place.conversationId, 'x-branch-id': place.branchId };
}
