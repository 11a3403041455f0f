import { Readable } from 'node:stream';
import type { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { formatOf, type ProviderTable } from '../../providers/table.ts';
import { translating } from '../../providers/translating.ts';
import type { Call } from '../call.ts';
import type { OpenRequest } from '../call-request.ts';
import { type CallContext, termsOf } from '../context.ts';
import type { Reservation } from '../reserve/reserve.ts';
import type { Account } from '../settle/account.ts';
import type { Metrics } from '../settle/metrics.ts';
import type { Settlement } from '../settle/settlement.ts';
import { type Attempt, type Forwarding, forward } from './forward.ts';

/** An admitted call, with the request that goes to its provider. */
export interface AdmittedCall {
  /** With the session from the body. */
  readonly context: CallContext;
  readonly operation: Operation;
  readonly call: Call;
  /** Headers for the provider. */
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: Attempt;
  /** What limits and budgets hold for the call. */
  readonly reservation: Reservation;
  readonly another?: Forwarding['another'];
}

/** The steps after the reservation: intent, provider, client, settlement. */
export type AnswerCall = (request: Omit<OpenRequest, 'context' | 'operation'>, admitted: AdmittedCall) => void;

export interface AnswerCallOptions {
  readonly settlement: Settlement;
  readonly exchange: Exchange;
  readonly providers: ProviderTable;
  readonly metrics: Metrics;
  readonly drainMs: number;
}

export function makeAnswerCall(options: AnswerCallOptions): AnswerCall {
  const { settlement, exchange, providers, metrics, drainMs } = options;
  return ({ response, responseHeaders, refuse: show, onEnd }, admitted) => {
    const { context, operation, call, headers, attempt, another, reservation } = admitted;
    const { caller, inForce, share } = context;
    const { headers: rates } = reservation;
    const refuse = (problem: ProxyError) => {
      if (rates) problem.headers = { ...rates, ...problem.headers };
      show(problem, caller);
    };
    const onOpened = (account: Account) => {
      metrics.overhead.observe((performance.now() - context.startedTicks) / 1_000);
      const { guard } = call;
      const format = formatOf(providers, call.key.provider, operation.name);
      const speak = format.translation ? translating(exchange, format.translation) : exchange;
      forward(
        guard?.output
          ? guard.output.guardExchange(
              speak,
              () => format.readStream({ hideUsage: false, keepOutput: true, body: call.body }),
              (bytes) => share.addAnswer(bytes),
            )
          : speak,
        {
          call,
          operation,
          format,
          account,
          attempt,
          another,
          keepOutput: inForce.snapshot.storesContents,
          headers,
          response,
          responseHeaders: rates ? { ...responseHeaders(caller), ...rates } : responseHeaders(caller),
          refuse,
          share,
          drainMs,
          onEnd,
        },
      );
      // A form is complete only when it has been sent.
      if (!(attempt.body instanceof Readable)) account.sealInput();
    };
    const onRefused = (problem: ProxyError) => {
      refuse(problem);
      onEnd();
    };
    settlement.open(call, termsOf(inForce), reservation, onOpened, onRefused);
  };
}
