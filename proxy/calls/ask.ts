import type OpenAI from 'openai';
import type { Dispatcher } from 'undici';
import { ProxyError } from '../error.ts';
import { chat } from '../operations/chat.ts';
import { type Body, parseObject } from '../providers/json.ts';
import { unknownUsage } from '../providers/usage.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { Call, Caller, Outcome } from './call.ts';
import { providerError, requestCompletion, UpstreamFailure } from './completion.ts';
import type { InFlight } from './receive/in-flight.ts';
import type { AccountingTerms, makeAccounting } from './settle/account.ts';

/** A call that the proxy makes by itself, in the name of a caller who may use this model with this key. */
export interface Question {
  readonly kind: Call['kind'];
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly startedTicks: number;
  readonly caller: Caller;
  readonly key: RoutedKey;
  readonly body: OpenAI.ChatCompletionCreateParamsNonStreaming;
}

/** A completion, and what it cost. */
export interface Reply {
  readonly completion: Body;
  /** Null where the provider did not say. */
  readonly totalTokens: number | null;
  /** US dollars as a decimal string; null: unpriced. */
  readonly costUsd: string | null;
}

export interface AskOptions {
  /** @throws {ProxyError} where nothing is in force, or no longer */
  readonly terms: () => AccountingTerms;
  readonly openAccount: ReturnType<typeof makeAccounting>;
  readonly upstream: Dispatcher;
  readonly inFlight: InFlight;
}

export type Ask = ReturnType<typeof makeAsk>;

/** Makes the function by which the proxy itself asks a provider for a chat completion, accounted for as any call. */
export function makeAsk({ terms, openAccount, upstream, inFlight }: AskOptions) {
  /** @throws {ProxyError} `spool_…` where it cannot be accounted for, `upstream_…` where no completion comes */
  return async function ask(question: Question): Promise<Reply> {
    const account = openAccount(callOf(question), terms());
    const sentAtTicks = performance.now();
    const share = inFlight.open();
    const settle = (outcome: Partial<Outcome>) =>
      account.settle({ ...noAnswer, upstreamMs: performance.now() - sentAtTicks, ...outcome });
    try {
      const { status, text } = await requestCompletion(upstream, question.key, question.body, share);
      const completion = parseObject(text);
      if (!completion) throw new UpstreamFailure(new ProxyError('upstream_invalid_response'), { httpStatus: status });
      const reading = chat.read(completion, { ...question.body });
      settle({ ...reading, status: reading.failed ? 'failed' : 'completed', httpStatus: status, output: text });
      if (reading.failed) throw new UpstreamFailure(providerError(status, completion.error), {});
      return { completion, totalTokens: reading.usage.totalTokens, costUsd: account.costUsd() };
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      settle({ errorCode: error.problem.code, ...error.outcome });
      throw error.problem;
    } finally {
      // Whatever it was: no call stays open.
      settle({ errorCode: 'internal_error' });
      share.release();
    }
  };
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

function callOf(question: Question): Call {
  const { body, key, caller, kind, requestId, startedAtMs, startedTicks } = question;
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
