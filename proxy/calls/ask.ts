import type OpenAI from 'openai';
import { ProxyError } from '../error.ts';
import type { InFlight, Share } from '../in-flight.ts';
import { chat } from '../operations/chat.ts';
import { toAnswerProblem } from '../providers/answer-error.ts';
import type { Exchange } from '../providers/exchange.ts';
import { isOurEnd } from '../providers/failure.ts';
import { type Body, parseObject } from '../providers/json.ts';
import { readWhole, relay } from '../providers/relay.ts';
import { formatOf, type ProviderTable } from '../providers/table.ts';
import { unknownUsage } from '../providers/usage.ts';
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
}

export type Ask = ReturnType<typeof makeAsk>;

/** Makes the function with which the proxy itself requests a chat completion. It is recorded like any call. */
export function makeAsk({ settlement, reserve, exchange, providers, inFlight }: AskOptions) {
  /** @throws {ProxyError} `spool_…` where it cannot be recorded, `upstream_…` where no completion comes */
  return async function ask(question: Question): Promise<Reply> {
    const format = formatOf(providers, question.key.provider, chat.name);
    const account = await new Promise<Account>((resolve, reject) => {
      const terms = termsOf(question.context.inForce);
      settlement.open(callOf(question), terms, reserve(question.context), resolve, reject);
    });
    const sentAtTicks = performance.now();
    const share = inFlight.open();
    const { promise: settled, resolve: onSettled } = Promise.withResolvers<void>();
    const settle = (outcome: Partial<Outcome>) =>
      account.settle({ ...noAnswer, upstreamMs: performance.now() - sentAtTicks, ...outcome }, onSettled);
    try {
      const { status, text } = await requestCompletion(exchange, format.path, question, share);
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
      const reading = format.read(completion, { ...question.body });
      settle({ ...reading, status: reading.failed ? 'failed' : 'completed', httpStatus: status, output: text });
      if (reading.failed) throw toAnswerProblem(status, text).problem;
      return { completion, totalTokens: reading.usage.totalTokens, costUsd: account.costUsd() };
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

async function requestCompletion(exchange: Exchange, path: string, { key, body }: Question, share: Share) {
  const tooLate = new AbortController();
  const { headersTimeoutMs, idleTimeoutMs } = key.provider;
  // Each wait has its own limit. This limits the total, for a provider that sends a little now and then.
  const timer = setTimeout(() => tooLate.abort(new ProxyError('upstream_timeout')), headersTimeoutMs + idleTimeoutMs);
  try {
    const { signal } = tooLate;
    const answer = await relay(exchange, {
      method: 'POST',
      path,
      key,
      headers,
      body: JSON.stringify({ ...body, model: sentModel(key, body.model) }),
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

function callOf({ kind, context, key, body }: Question): Call {
  const { requestId, startedAtMs, startedTicks, caller } = context;
  return {
    kind,
    requestId,
    startedAtMs,
    startedTicks,
    operation: chat.name,
    caller,
    input: () => JSON.stringify(body),
    body: { ...body },
    isStream: () => false,
    requestedModel: body.model,
    persona: undefined,
    previousResponseId: undefined,
    key,
  };
}
