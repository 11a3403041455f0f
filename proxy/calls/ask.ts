import type OpenAI from 'openai';
import { ProxyError } from '../error.ts';
import type { CallGuard, GuardedCall } from '../guardrails/call-guard.ts';
import type { Guardrails } from '../guardrails/guardrails.ts';
import type { InFlight, Share } from '../in-flight.ts';
import { chat } from '../operations/chat.ts';
import { toAnswerProblem } from '../providers/answer-error.ts';
import type { Exchange } from '../providers/exchange.ts';
import { isOurEnd } from '../providers/failure.ts';
import { type Body, parseObject } from '../providers/json.ts';
import { readWhole, relay } from '../providers/relay.ts';
import { formatOf, type ProviderTable } from '../providers/table.ts';
import { translating } from '../providers/translating.ts';
import { unknownUsage } from '../providers/usage.ts';
import type { WireFormat } from '../providers/wire-format.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { Call, Outcome } from './call.ts';
import { type CallContext, termsOf } from './context.ts';
import type { Reserve } from './reserve/reserve.ts';
import { sentModel } from './route/sent-model.ts';
import type { Account } from './settle/account.ts';
import type { Settlement } from './settle/settlement.ts';

/** A call that the proxy itself makes, on behalf of a caller who may use this model with this key. */
export interface Question {
  readonly kind: Call['kind'];
  readonly context: CallContext;
  readonly key: RoutedKey;
  readonly body: OpenAI.ChatCompletionCreateParamsNonStreaming;
}

/** A completion and its cost. */
export interface Reply {
  readonly completion: Body;
  /** Null where the provider reports none. */
  readonly totalTokens: number | null;
  /** US dollars as a decimal string; null: unpriced. */
  readonly costUsd: string | null;
}

export interface AskOptions {
  readonly settlement: Settlement;
  readonly reserve: Reserve;
  readonly exchange: Exchange;
  readonly providers: ProviderTable;
  readonly inFlight: InFlight;
  readonly guardrails: Pick<Guardrails, 'check'>;
}

export type Ask = ReturnType<typeof makeAsk>;

/** Makes the function with which the proxy itself requests a chat completion. It is recorded like any call. */
export function makeAsk({ settlement, reserve, exchange, providers, inFlight, guardrails }: AskOptions) {
  /** @throws {ProxyError} `spool_…` where it cannot be recorded, `upstream_…` where no completion comes */
  return async function ask(question: Question): Promise<Reply> {
    const guard = await guardrails.check(guardedCallOf(question));
    const body: Body = guard?.edit({ ...question.body }) ?? { ...question.body };
    const format = formatOf(providers, question.key.provider, chat.name);
    const call = callOf(question, body, guard);
    const { operation, requestedModel: model, key } = call;
    const { context } = question;
    const reservation = await reserve({ context, operation, body, model, key, sent: undefined, hasReferences: false });
    const account = await new Promise<Account>((resolve, reject) => {
      settlement.open(call, termsOf(context.inForce), reservation, resolve, reject);
    });
    const sentAtTicks = performance.now();
    const share = inFlight.open();
    const { promise: settled, resolve: onSettled } = Promise.withResolvers<void>();
    const settle = (outcome: Partial<Outcome>) =>
      account.settle({ ...noAnswer, upstreamMs: performance.now() - sentAtTicks, ...outcome }, onSettled);
    try {
      const { status, text } = await requestCompletion(
        exchange,
        format,
        { key: question.key, model: question.body.model, body },
        share,
      );
      if (status >= 300) {
        const { problem, code } = toAnswerProblem(status, text);
        settle({ httpStatus: status, errorCode: code });
        throw problem;
      }
      const completion = parseObject(text);
      if (!completion) {
        settle({ httpStatus: status, errorCode: 'upstream_invalid_response' });
        throw new ProxyError('upstream_invalid_response');
      }
      const reading = format.read(completion, body);
      const { output } = guard ?? {};
      const changed = await output?.answer(completion);
      const blocked = output?.problem();
      if (blocked) {
        settle({ ...reading, httpStatus: status, errorCode: blocked.code });
        throw blocked;
      }
      const kept = changed ? JSON.stringify(changed) : text;
      settle({ ...reading, status: reading.failed ? 'failed' : 'completed', httpStatus: status, output: kept });
      if (reading.failed) throw toAnswerProblem(status, text).problem;
      return {
        completion: output?.present(changed ?? completion) ?? completion,
        totalTokens: reading.usage.totalTokens,
        costUsd: account.costUsd(),
      };
    } catch (error) {
      if (error instanceof ProxyError)
        settle({ errorCode: error.code, status: isOurEnd(error) ? 'interrupted' : 'failed' });
      throw error;
    } finally {
      // Settle after any error, so that no call stays open.
      settle({ errorCode: 'internal_error' });
      share.release();
      await settled;
    }
  };
}

/** The size limit of a completion. */
const maxAnswerBytes = 16 * 1024 * 1024;

const headers = { 'user-agent': 'chaperone', accept: 'application/json', 'content-type': 'application/json' };

/** The question, as guardrails let it pass. */
interface Passed extends Pick<Question, 'key'> {
  readonly model: string;
  readonly body: Body;
}

async function requestCompletion(exchange: Exchange, format: WireFormat, { key, model, body }: Passed, share: Share) {
  const { path, translation } = format;
  const asked = { ...body, model: sentModel(key, model) };
  const tooLate = new AbortController();
  const { headersTimeoutMs, idleTimeoutMs } = key.provider;
  // Each wait has its own limit. This limits the total, for a provider that sends a little now and then.
  const timer = setTimeout(() => tooLate.abort(new ProxyError('upstream_timeout')), headersTimeoutMs + idleTimeoutMs);
  try {
    const { signal } = tooLate;
    const answer = await relay(translation ? translating(exchange, translation) : exchange, {
      method: 'POST',
      path,
      key,
      headers,
      body: JSON.stringify(translation ? translation.ask(asked, key.provider.name) : asked),
      signal,
    });
    return { status: answer.status, text: (await readWhole(answer, share, maxAnswerBytes)).toString('utf8') };
  } finally {
    clearTimeout(timer);
  }
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

function guardedCallOf({ context, key, body }: Question): GuardedCall {
  const { requestId, caller, inForce } = context;
  const { user, userId, sessionId } = caller;
  const { snapshot, envelope } = inForce;
  const operation = chat.name;
  const model = typeof body.model === 'string' ? body.model : undefined;
  return {
    requestId,
    snapshot,
    envelope,
    operation,
    model,
    user,
    userId,
    sessionId,
    key,
    said: { ...body },
    isRewritable: true,
  };
}

function callOf(question: Question, body: Body, guard: CallGuard | undefined): Call {
  const { kind, context, key } = question;
  const { requestId, startedAtMs, startedTicks, caller } = context;
  return {
    kind,
    requestId,
    startedAtMs,
    startedTicks,
    operation: chat.name,
    caller,
    input: () => JSON.stringify(body),
    body,
    isStream: () => false,
    requestedModel: question.body.model,
    persona: undefined,
    previousResponseId: undefined,
    key,
    guard,
  };
}
