import type OpenAI from 'openai';
import { makeRequestId, requestStartedAtMs } from '../../../database/ids.ts';
import type { Ask, Question, Reply } from '../../calls/ask.ts';
import type { CallContext } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { AnalysisConfig } from '../configs/config.ts';
import type { Conversation } from './conversation.ts';
import { judge } from './judge.ts';
import { askInWords, makeQuestion } from './prompt.ts';
import { type ReadReply, readReply } from './reply.ts';
import type { AnalysisResult } from './results.ts';
import { sumKnown } from './sum-known.ts';

/** In whose name a model is asked, and with whose key. */
export interface Asker {
  /** Of the first call; each further one has an id of its own. */
  readonly context: CallContext;
  readonly key: RoutedKey;
  /** What the organization's rules about models make of the question. */
  readonly terms: Question['terms'];
}

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming;

/**
 * Has a model classify the conversation. Where it refuses, comes to no end or answers something else, it is asked once
 * more. Each attempt is a call with a record of its own, and the result tells what all of them cost.
 *
 * @throws {ProxyError} what a call of the proxy's own throws, and `upstream_…` where the second answer is no better
 */
export async function classify(
  ask: Ask,
  asker: Asker,
  config: AnalysisConfig,
  conversation: Conversation,
): Promise<AnalysisResult> {
  const send = makeSender(ask, asker, makeQuestion(config, conversation));
  const replies: Reply[] = [];
  const attempt = async (): Promise<ReadReply> => {
    try {
      const reply = await send();
      replies.push(reply);
      return readReply(reply.completion, config);
    } catch (error) {
      if (error instanceof ProxyError && error.code === 'upstream_invalid_response') return { problem: error.code };
      throw error;
    }
  };
  let read = await attempt();
  if ('problem' in read) read = await attempt();
  if ('problem' in read) throw new ProxyError(read.problem);
  return {
    ...judge(read.findings, config),
    analyzed_at: new Date().toISOString(),
    model_used: config.model,
    tokens_used: sumKnown(replies.map(({ totalTokens }) => totalTokens)),
    cost_usd: sumKnown(replies.map(({ costUsd }) => (costUsd === null ? null : Number(costUsd)))),
  };
}

/** Not every model takes every parameter of ours: it is asked again without the one that it refuses. */
function makeSender(ask: Ask, { context, key, terms }: Asker, question: Params) {
  let { requestId } = context;
  let body = question;
  const next = (): Question => {
    const startedAtMs = requestStartedAtMs(requestId) ?? Date.now();
    const attempt = { ...context, requestId, startedAtMs, startedTicks: performance.now() };
    requestId = makeRequestId(Date.now());
    return { kind: 'analysis', context: attempt, key, body, terms };
  };
  return async function send(): Promise<Reply> {
    try {
      return await ask(next());
    } catch (error) {
      const simpler = withoutRefused(body, error);
      if (!simpler) throw error;
      body = simpler;
      return send();
    }
  };
}

/** The question without the parameter that the provider refuses; undefined where it refuses something else. */
function withoutRefused(body: Params, error: unknown): Params | undefined {
  const cause = error instanceof ProxyError ? error.cause : undefined;
  if (!(cause instanceof Error) || !('status' in cause)) return undefined;
  const param = 'param' in cause ? cause.param : undefined;
  const isNamed = (words: RegExp) => words.test(String(param ?? '')) || words.test(cause.message);
  if (body.temperature != null && isNamed(/temperature/)) {
    const { temperature: _, ...rest } = body;
    return rest;
  }
  if (body.response_format === undefined) return undefined;
  const isRefused = isNamed(/response_format|json_schema|structured output/i);
  const isUnclear = !param && (cause.status === 400 || cause.status === 422);
  return isRefused || isUnclear ? askInWords(body) : undefined;
}
