/** The requests and answers, the same for all targets. */

const kibibyte = 1024;

/** The usage in the upstream's answers. Every governed call must be recorded with exactly this. */
export const usage = { prompt_tokens: 212, completion_tokens: 187, total_tokens: 399 } as const;

const model = 'gpt-4o-mini-2024-07-18';
const base = { id: 'chatcmpl-bench0000000000000000000000', created: 1_760_000_000, model, service_tier: 'default' };

/** The constant answers: a chat completion of 1 KB, and a short stream. */
export const answers = {
  whole: { contentType: 'application/json', body: pad(makeCompletion) },
  stream: { contentType: 'text/event-stream', body: makeStream() },
} as const;

export type Form = keyof typeof answers;

/** A request body of 1 KB. Undefined: without a persona. */
export function makeRequestBody(form: Form, personaId: string | undefined): string {
  return pad((filler) =>
    JSON.stringify({
      model: 'gpt-4o-mini',
      persona_id: personaId,
      ...(form === 'stream' && { stream: true }),
      messages: [{ role: 'user', content: `Where is my order? ${filler}` }],
    }),
  );
}

function makeCompletion(filler: string): string {
  const message = { role: 'assistant', content: `It is on its way. ${filler}`, refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
  return JSON.stringify({ ...base, object: 'chat.completion', choices, usage });
}

function makeStream(): string {
  const chunk = (delta: object, finishReason: string | null) => ({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    usage: null,
  });
  const words = 'It is on its way and should be with you by the end of this week .'.split(' ');
  const chunks = [
    chunk({ role: 'assistant', content: '' }, null),
    ...words.map((word) => chunk({ content: `${word} ` }, null)),
    chunk({}, 'stop'),
    { ...base, object: 'chat.completion.chunk', choices: [], usage },
  ];
  return [...chunks.map((each) => JSON.stringify(each)), '[DONE]'].map((data) => `data: ${data}\n\n`).join('');
}

function pad(make: (filler: string) => string): string {
  return make('x'.repeat(Math.max(0, kibibyte - make('').length)));
}
