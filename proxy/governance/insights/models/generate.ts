import type OpenAI from 'openai';
import { makeRequestId } from '../../../../database/ids.ts';
import type { Reply } from '../../../calls/ask.ts';
import type { CallContext } from '../../../calls/context.ts';
import type { OnText } from '../../../calls/streamed-completion.ts';
import { ProxyError } from '../../../error.ts';
import { chat } from '../../../operations/chat.ts';
import { asArray, asObject, asString } from '../../../providers/json.ts';
import type { Usage } from '../../../providers/usage.ts';
import { readWords } from '../../analyses/reply.ts';
import type { GovernanceContext } from '../../context.ts';
import { admitQuestion } from './admit-question.ts';
import { defaultTextModel } from './providers.ts';

type Context = Pick<GovernanceContext, 'pipeline' | 'inForce' | 'modelRules' | 'providers' | 'origin'>;
type Question = OpenAI.ChatCompletionCreateParamsNonStreaming;

/** What a text is to be written from. */
export interface TextRequest {
  readonly prompt: string;
  /** A model or an alias. Undefined: the organization's default. */
  readonly model?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly systemPrompt?: string | undefined;
  /** Facts for the model. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

export interface GeneratedText {
  readonly text: string;
  /** As the provider names it. */
  readonly model: string;
  readonly usage: Usage;
  /** Whether the limit of tokens has cut it. */
  readonly isTruncated: boolean;
  /** The guardrails that found something in what was asked or in the answer, and let it pass. */
  readonly guardrailHits: readonly string[];
}

/**
 * Has a model write a text, in a call of the caller's.
 *
 * @param onText hears the text while it comes; the whole of it so far. Where guardrails are about answers, it hears nothing
 * @throws {ProxyError} as a call, and `upstream_refused` where the model does
 */
export async function generateText(
  context: Context,
  call: CallContext,
  asked: TextRequest,
  onText?: OnText,
): Promise<GeneratedText> {
  const model = asked.model ?? (await defaultTextModel(context, call.caller));
  const body = bodyOf(asked, model);
  const { key, terms, model: meant = model } = await admitQuestion(context, call, chat, body);
  const ask = (question: Question, as: CallContext) =>
    context.pipeline.ask({ kind: 'call', context: as, key, terms, body: { ...question, model: meant }, onText });
  const reply = await ask(body, call).catch((error: unknown) => {
    const renamed = withNewerBound(body, error);
    if (!renamed) throw error;
    return ask(renamed, anotherCall(call));
  });
  return readText(reply, meant);
}

function bodyOf({ prompt, maxTokens, temperature, systemPrompt, facts }: TextRequest, model: string): Question {
  return {
    model,
    messages: [
      ...(systemPrompt === undefined ? [] : [{ role: 'system' as const, content: systemPrompt }]),
      ...(facts === undefined ? [] : [{ role: 'user' as const, content: `Context:\n${JSON.stringify(facts)}` }]),
      { role: 'user', content: prompt },
    ],
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
  };
}

/**
 * The question with the bound under its newer name, where the provider asks for that. The older name comes first, since a
 * server that knows only that would take no notice of the newer one.
 */
function withNewerBound({ max_tokens: bound, ...question }: Question, error: unknown): Question | undefined {
  const cause = error instanceof ProxyError ? error.cause : undefined;
  const isAskedFor = cause instanceof Error && /max_completion_tokens/.test(cause.message);
  return isAskedFor && typeof bound === 'number' ? { ...question, max_completion_tokens: bound } : undefined;
}

function anotherCall(call: CallContext): CallContext {
  const startedAtMs = Date.now();
  return { ...call, requestId: makeRequestId(startedAtMs), startedAtMs, startedTicks: performance.now() };
}

function readText({ completion, usage, guardrailHits }: Reply, asked: string): GeneratedText {
  const read = readWords(completion);
  if ('problem' in read) throw new ProxyError(read.problem);
  const message = asObject(asObject(asArray(completion.choices)[0])?.message);
  if (asString(message?.content) === null) throw new ProxyError('upstream_invalid_response');
  const model = asString(completion.model) ?? asked;
  return { text: read.text, model, usage, isTruncated: read.isTruncated, guardrailHits };
}
