import type { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { formatOf, type ProviderTable } from '../../providers/table.ts';
import type { Call } from '../call.ts';
import type { OpenRequest } from '../call-request.ts';
import { type CallContext, termsOf } from '../context.ts';
import type { Reserve } from '../reserve/reserve.ts';
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
  readonly another?: Forwarding['another'];
}

/** The steps after admission: intent, provider, client, settlement. @throws {ProxyError} where a limit refuses it */
export type AnswerCall = (request: Omit<OpenRequest, 'context' | 'operation'>, admitted: AdmittedCall) => void;

export interface AnswerCallOptions {
  readonly settlement: Settlement;
  readonly reserve: Reserve;
  readonly exchange: Exchange;
  readonly providers: ProviderTable;
  readonly metrics: Metrics;
  readonly drainMs: number;
}

export function makeAnswerCall(options: AnswerCallOptions): AnswerCall {
  const { settlement, reserve, exchange, providers, metrics, drainMs } = options;
  return ({ response, responseHeaders, refuse, onEnd }, { context, operation, call, headers, attempt, another }) => {
    const { caller, inForce, share } = context;
    const onOpened = (account: Account) => {
      metrics.overhead.observe((performance.now() - context.startedTicks) / 1_000);
      const { guard } = call;
      const format = formatOf(providers, call.key.provider, operation.name);
      forward(
        guard?.output
          ? guard.output.guardExchange(
              exchange,
              () => format.readStream({ hideUsage: false, keepOutput: true, body: call.body }),
              (bytes) => share.addAnswer(bytes),
            )
          : exchange,
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
          responseHeaders: responseHeaders(caller),
          refuse: (error) => refuse(error, caller),
          share,
          drainMs,
          onEnd,
        },
      );
    };
    const onRefused = (problem: ProxyError) => {
      refuse(problem, caller);
      onEnd();
    };
    settlement.open(call, termsOf(inForce), reserve(context), onOpened, onRefused);
  };
}
