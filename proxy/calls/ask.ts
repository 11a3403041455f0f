import { setTimeout as delay } from 'node:timers/promises';
import type OpenAI from 'openai';
import type { RequestRecord } from '../../database/requests.ts';
import { ProxyError } from '../error.ts';
import type { CallGuard, GuardedCall } from '../guardrails/call-guard.ts';
import type { Guardrails } from '../guardrails/guardrails.ts';
import type { InFlight } from '../in-flight.ts';
import { chat } from '../operations/chat.ts';
import type { Operation } from '../operations/operation.ts';
import type { Exchange } from '../providers/exchange.ts';
import { isOurEnd } from '../providers/failure.ts';
import type { Body } from '../providers/json.ts';
import { formatOf, type ProviderTable } from '../providers/table.ts';
import { type Usage, unknownUsage } from '../providers/usage.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import { type ModelTerms, onTerms } from './admit/model-terms.ts';
import type { Call, Outcome } from './call.ts';
import { type CallContext, termsOf } from './context.ts';
import { requestCompletion } from './request-completion.ts';
import type { Reserve } from './reserve/reserve.ts';
import type { RouteHealth } from './route/health.ts';
import { makeFallback } from './route/make-fallback.ts';
import type { Account, OnWritten } from './settle/account.ts';
import type { Settlement } from './settle/settlement.ts';
import type { OnText } from './streamed-completion.ts';
import { makeSuccession } from './succession.ts';
import type { CallTrace, TraceableCall } from './traces/call-trace.ts';
import type { Traces } from './traces/traces.ts';

/** A call that the proxy itself makes, on behalf of a caller who may use this model with this key. */
export interface Question {
  readonly kind: Call['kind'];
  /** What is asked for. Absent: a chat completion. */
  readonly operation?: Operation | undefined;
  readonly context: CallContext;
  readonly key: RoutedKey;
  readonly body:
    | OpenAI.ChatCompletionCreateParamsNonStreaming
    | OpenAI.CompletionCreateParamsNonStreaming
    | OpenAI.EmbeddingCreateParams;
  /** What the organization's rules about models make of it. */
  readonly terms: ModelTerms | undefined;
  /** What guardrails look at, at the places of the body. Absent: all of it. */
  readonly said?: Body | undefined;
  /** Whether who asks queues the answer for people where a guardrail wants that. Absent: such an answer is refused. */
  readonly queuesForReview?: true | undefined;
  /** Where the text is wanted while it comes. One that guardrails must see as a whole is not told before its end. */
  readonly onText?: OnText | undefined;
  /**
   * Keeps the intent where it outlives this process and its volume, before each attempt. The call is not made where it
   * rejects. Absent: the spool alone has it.
   */
  readonly keepIntent?: ((intent: RequestRecord) => Promise<void>) | undefined;
}

/** An answer and its cost. */
export interface Reply {
  readonly completion: Body;
  /** Null where the provider reports none. */
  readonly totalTokens: number | null;
  readonly usage: Usage;
  /** US dollars as a decimal string; null: unpriced. */
  readonly costUsd: string | null;
  /** The guardrails that have found something in the question or in the answer. */
  readonly guardrailHits: readonly string[];
  /** The guardrail that wants a person to see the answer. Undefined: none. */
  readonly heldBy: ReturnType<CallGuard['heldBy']>;
}

export interface AskOptions {
  readonly settlement: Settlement;
  readonly reserve: Reserve;
  readonly exchange: Exchange;
  readonly providers: ProviderTable;
  readonly health: RouteHealth;
  readonly inFlight: InFlight;
  readonly guardrails: Pick<Guardrails, 'check'>;
  readonly traces: Pick<Traces, 'begin'>;
}

export type Ask = ReturnType<typeof makeAsk>;

/** Makes the function with which the proxy itself calls a model. The call is recorded like any. */
export function makeAsk(options: AskOptions) {
  const { settlement, reserve, exchange, providers, inFlight, guardrails, health, traces } = options;
  /** @throws {ProxyError} `spool_…` where it cannot be recorded, `upstream_…` where no completion comes */
  return async function ask(question: Question): Promise<Reply> {
    const trace = traces.begin(traceableOf(question));
    try {
      return await askTraced(question, trace);
    } catch (error) {
      trace?.refused(error);
      throw error;
    } finally {
      trace?.finish();
    }
  };

  async function askTraced(question: Question, trace: CallTrace | undefined): Promise<Reply> {
    const checked = question.context.inForce.snapshot.spec.guardrails && trace?.step('guardrails');
    const guard = await guardrails.check(guardedCallOf(question));
    checked?.({ 'chaperone.guardrails': guard?.hits() });
    const body = onTerms(guard?.edit({ ...question.body }) ?? { ...question.body }, question.terms?.edits);
    const onText = guard?.output ? undefined : question.onText;
    const call = { ...callOf(question, body, guard, onText !== undefined), trace };
    trace?.asks(question.body.model, question.key);
    const { operation, key: firstKey } = call;
    const { context } = question;
    const { model } = question.body;
    const asked = { context, operation, model, sent: undefined, hasReferences: false };
    const reservation = await reserve({ ...asked, body, key: firstKey });
    const account = await new Promise<Account>((resolve, reject) => {
      settlement.open(call, termsOf(context.inForce), reservation, resolve, reject);
    });
    let sentAtTicks = performance.now();
    const share = inFlight.open();
    const { promise: settled, resolve, reject } = Promise.withResolvers<void>();
    const onSettled: OnWritten = (problem) => (problem ? reject(problem) : resolve());
    const settle = (outcome: Partial<Outcome>) =>
      account.settle({ ...noAnswer, upstreamMs: performance.now() - sentAtTicks, ...outcome }, onSettled);
    const present = () => ({ ...body, ...reservation.changes });
    const succeed = makeSuccession<RoutedKey>({
      ...{ context, model, reservation },
      fallback: () => fallbackOf(providers, health, question),
      attemptWith: (key) => key,
      soughtOf: (key) => ({ ...asked, body: present(), key }),
    });
    try {
      for (let key = firstKey; ; ) {
        await question.keepIntent?.(account.intent());
        sentAtTicks = performance.now();
        const format = formatOf(providers, key.provider, operation);
        const answered = await requestCompletion(exchange, {
          format,
          key,
          model,
          body: present(),
          share,
          guard,
          onText,
          startedTicks: context.startedTicks,
          trace,
        });
        const mayGoOn = context.inForce.snapshot.mayFallBack && answered.failure && !isOurEnd(answered.problem);
        const tookMs = performance.now() - sentAtTicks;
        const next = mayGoOn ? await succeed(key, answered.failure) : undefined;
        if (next && answered.failure) {
          trace?.attemptFailed(answered.failure);
          const isRefused = next instanceof ProxyError;
          account.replaced(key, answered.failure, tookMs, isRefused ? key : next.attempt);
          if (isRefused) throw next;
          key = next.attempt;
          await delay(next.delayMs);
          continue;
        }
        settle(answered.outcome);
        if (answered.problem) throw answered.problem;
        const { usage } = answered.reply;
        const facts = {
          totalTokens: usage.totalTokens,
          costUsd: account.costUsd(),
          guardrailHits: guard?.hits() ?? [],
          heldBy: guard?.heldBy(),
        };
        return { ...answered.reply, ...facts };
      }
    } catch (error) {
      // Settle after any error, so that no call stays open. One that is settled stays as it is.
      settle({ errorCode: error instanceof ProxyError ? error.code : 'internal_error' });
      throw error;
    } finally {
      share.release();
      await settled;
    }
  }
}

function traceableOf({ context, operation = chat }: Question): TraceableCall {
  const { requestId, startedAtMs, startedTicks, traceParent: parent } = context;
  return { operation: operation.name, requestId, startedAtMs, startedTicks, isOwn: true, parent, state: undefined };
}

/** A question repeats nothing but its bill, so it goes on as any such call does. */
function fallbackOf(providers: ProviderTable, health: RouteHealth, { context, operation = chat, body }: Question) {
  const repeatable = { context, operation, body: { ...body }, model: body.model };
  return makeFallback(providers, { ...repeatable, madeBy: undefined, isIdempotent: false, health });
}

const noAnswer: Omit<Outcome, 'upstreamMs'> = {
  status: 'failed',
  httpStatus: null,
  errorCode: null,
  responseId: null,
  model: null,
  serviceTier: null,
  usage: unknownUsage,
  timeToFirstTokenMs: null,
  output: undefined,
};

function guardedCallOf(question: Question): GuardedCall {
  const { context, operation = chat, key, body, said = { ...body }, queuesForReview } = question;
  const { requestId, caller, inForce } = context;
  const { user, userId, sessionId } = caller;
  const { snapshot, envelope } = inForce;
  return {
    requestId,
    snapshot,
    envelope,
    operation: operation.name,
    model: body.model,
    user,
    userId,
    sessionId,
    key,
    said,
    isRewritable: true,
    ...(queuesForReview && ({ review: 'queue' } as const)),
  };
}

function callOf(question: Question, body: Body, guard: CallGuard | undefined, isStream: boolean): Call {
  const { kind, operation = chat, context, key } = question;
  const { requestId, startedAtMs, startedTicks, caller } = context;
  return {
    kind,
    requestId,
    startedAtMs,
    startedTicks,
    operation: operation.name,
    caller,
    input: () => JSON.stringify(body),
    body,
    isStream: () => isStream,
    requestedModel: question.body.model,
    modelAlias: question.terms?.alias,
    persona: undefined,
    previousResponseId: undefined,
    key,
    guard,
  };
}
