import type OpenAI from 'openai';
import { makeRequestId, requestStartedAtMs } from '../../database/ids.ts';
import type { Ask, Question, Reply } from '../calls/ask.ts';
import type { CallContext } from '../calls/context.ts';
import { ProxyError } from '../error.ts';

/** In whose name a model is asked, and with whose key. */
export interface Asker extends Pick<Question, 'kind' | 'key' | 'terms' | 'said' | 'onText' | 'queuesForReview'> {
  /** Of the first call; each further one has an id of its own. */
  readonly context: CallContext;
  /** Notes whom a call quotes, before it is made. Absent: it quotes nobody but its own user. */
  readonly noteQuoted?: (requestId: string) => Promise<void>;
}

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming;

/**
 * Makes the function that asks. Each time is a call of its own. Not every model takes every parameter of ours: it is asked
 * again without the one that it refuses.
 */
export function makeSender(ask: Ask, { context, noteQuoted, ...asker }: Asker, question: Params): () => Promise<Reply> {
  let { requestId } = context;
  let body = question;
  const next = (): Question => {
    const startedAtMs = requestStartedAtMs(requestId) ?? Date.now();
    const attempt = { ...context, requestId, startedAtMs, startedTicks: performance.now() };
    requestId = makeRequestId(Date.now());
    return { ...asker, context: attempt, body };
  };
  return async function send(): Promise<Reply> {
    const sent = next();
    await noteQuoted?.(sent.context.requestId);
    try {
      return await ask(sent);
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

/** The same question to a provider that has no structured outputs: the schema is said in words, in the first message. */
function askInWords(question: Params): Params {
  const { response_format: format, messages, ...rest } = question;
  if (format?.type !== 'json_schema') return { ...rest, messages };
  const schema = JSON.stringify(format.json_schema.schema);
  const words = `Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n${schema}`;
  const [first, ...others] = messages;
  // Guardrails know the other messages by their places.
  const isOwn = first?.role === 'system' && typeof first.content === 'string';
  if (!isOwn) return { ...rest, messages: [{ role: 'system', content: words }, ...messages] };
  return { ...rest, messages: [{ ...first, content: `${words}\n\n${first.content}` }, ...others] };
}
