import { makeRequestId } from '../../../../database/ids.ts';
import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import { chat } from '../../../operations/chat.ts';
import type { GovernanceContext } from '../../context.ts';
import { makeSender } from '../../sender.ts';
import { askForSentiment, readSentiment } from './ask-sentiment.ts';
import { loadRateByLexicon } from './rate-by-lexicon.ts';
import type { GivenText, Sentiment, SentimentTerms } from './sentiment.ts';

type Context = Pick<GovernanceContext, 'pipeline'>;

/**
 * Says how a text sounds: by VADER, or by a model in a call of the caller's. Where the model answers something else than
 * was asked for, it is asked once more.
 *
 * @throws {ProxyError} `language_unsupported` without a model; with one, as a call, and `upstream_…` where the second
 * answer is no better
 */
export async function analyzeSentiment(
  context: Context,
  call: CallContext,
  given: GivenText,
  { useAi, model }: SentimentTerms,
): Promise<Sentiment> {
  if (!useAi) return (await loadRateByLexicon())(given);
  const { body, said } = askForSentiment(model, given.text);
  const admitted = await context.pipeline.admit({
    ...{ context: call, operation: chat, body: { ...body } },
    // `ask` has guardrails check what is said.
    ...{ said: {}, isRewritable: true, otherModels: [], references: [] },
  });
  const { key, terms } = admitted;
  const question = { ...body, model: admitted.model ?? model };
  const send = makeSender(context.pipeline.ask, { kind: 'analysis', context: call, key, terms, said }, question);
  let read = readSentiment((await send()).completion);
  if ('problem' in read) read = readSentiment((await send()).completion);
  if ('problem' in read) throw new ProxyError(read.problem);
  return read.sentiment;
}

/** A call of its own, for one of several texts. */
export function callForText(call: CallContext): CallContext {
  const startedAtMs = Date.now();
  return { ...call, requestId: makeRequestId(startedAtMs), startedAtMs, startedTicks: performance.now() };
}
