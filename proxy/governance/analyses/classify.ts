import type { Ask, Reply } from '../../calls/ask.ts';
import { ProxyError } from '../../error.ts';
import type { AnalysisConfig } from '../configs/config.ts';
import { type Asker, makeSender } from '../sender.ts';
import type { Conversation } from './conversation.ts';
import { judge } from './judge.ts';
import { makeQuestion } from './prompt.ts';
import { type ReadReply, readReply } from './reply.ts';
import type { AnalysisResult } from './results.ts';
import { sumKnown } from './sum-known.ts';

/**
 * Has a model classify the conversation. Where it refuses, comes to no end or answers something else, it is asked once
 * more. Each attempt is a call with a record of its own, and the result tells what all of them cost.
 *
 * @throws {ProxyError} what a call of the proxy's own throws, and `upstream_…` where the second answer is no better
 */
export async function classify(
  ask: Ask,
  asker: Omit<Asker, 'kind'>,
  config: AnalysisConfig,
  conversation: Conversation,
): Promise<AnalysisResult> {
  const send = makeSender(ask, { ...asker, kind: 'analysis' }, makeQuestion(config, conversation));
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
