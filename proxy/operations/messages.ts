import { asArray, asObject, type Body } from '../providers/json.ts';
import type { Persona } from '../snapshot/snapshot.ts';
import type { Operation } from './operation.ts';

/** `POST /v1/messages`: Anthropic's Messages API. */
export const messages: Operation = {
  name: 'messages',
  surface: 'messages',
  path: '/messages',
  required: ['max_tokens', 'messages'],
  applyPersona: (body, persona) => ({
    ...(persona.model === undefined ? {} : { model: persona.model }),
    ...defaultsOf(persona),
    ...body,
    system: persona.content,
    messages: asArray(body.messages).filter((message) => asObject(message)?.role !== 'system'),
  }),
};

/** `POST /v1/messages/count_tokens`: the same body, without the bound of an answer. */
export const countedMessages: Operation = {
  ...messages,
  path: '/messages/count_tokens',
  required: ['messages'],
  onlyCounts: true,
};

/**
 * A persona's parameters are named as OpenAI names them. Those that say the same in a message apply to it: the bound of
 * the answer, where it stops, and the effort. Recent versions of the API take no `temperature` and `top_p`.
 */
function defaultsOf({ parameters }: Persona): Body {
  const { max_tokens, max_completion_tokens, max_output_tokens, stop, reasoning, reasoning_effort } = parameters;
  const limit = max_tokens ?? max_completion_tokens ?? max_output_tokens;
  const effort = reasoning_effort ?? asObject(reasoning)?.effort;
  return {
    ...(limit != null && { max_tokens: limit }),
    ...(stop != null && { stop_sequences: [stop].flat() }),
    ...(isEffort(effort) && { output_config: { effort } }),
  };
}

function isEffort(effort: unknown): boolean {
  return effort === 'low' || effort === 'medium' || effort === 'high';
}
