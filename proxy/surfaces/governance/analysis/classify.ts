import type OpenAI from 'openai';
import { makeRequestId, requestStartedAtMs } from '../../../../database/ids.ts';
import { ProxyError } from '../../../error.ts';
import type { Ask, Question, Reply } from '../../../pipeline/ask.ts';
import type { AnalysisConfig } from './config.ts';
import type { Conversation } from './conversation.ts';
import { judge } from './judge.ts';
import { makeQuestion } from './prompt.ts';
import { type ReadReply, readReply } from './reply.ts';
import type { AnalysisResult } from './results.ts';

/** In whose name a model is asked, and with whose key. */
export interface Asker extends Pick<Question, 'caller' | 'key'> {
  /** Of the first call; each further one has its own. */
  readonly requestId: string;
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
  const question = makeQuestion(config, conversation);
  const send = makeSender(ask, asker);
  const replies: Reply[] = [];
  const attempt = async (): Promise<ReadReply> => {
    try {
      const reply = await send(question);
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
    tokens_used: add(replies.map(({ totalTokens }) => totalTokens)),
    cost_usd: add(replies.map(({ costUsd }) => (costUsd === null ? null : Number(costUsd)))),
  };
}

/** Some models take no temperature but their own: they are asked again without one. */
function makeSender(ask: Ask, asker: Asker) {
  let { requestId } = asker;
  const next = (body: Params): Question => {
    const startedAtMs = requestStartedAtMs(requestId) ?? Date.now();
    const question = {
      ...asker,
      kind: 'analysis' as const,
      requestId,
      startedAtMs,
      startedTicks: performance.now(),
      body,
    };
    requestId = makeRequestId(Date.now());
    return question;
  };
  return async (body: Params): Promise<Reply> => {
    try {
      return await ask(next(body));
    } catch (error) {
      if (!isAboutTemperature(error)) throw error;
      const { temperature: _, ...rest } = body;
      return ask(next(rest));
    }
  };
}

function isAboutTemperature(error: unknown): boolean {
  const cause = error instanceof ProxyError ? error.cause : undefined;
  return cause instanceof Error && 'param' in cause && cause.param === 'temperature';
}

/** Sums of dollars have at most 12 places, which floats alone would not keep to; null where a part is not known. */
function add(parts: readonly (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null);
  if (known.length < parts.length) return null;
  return Number(known.reduce((total, part) => total + part, 0).toFixed(12));
}
