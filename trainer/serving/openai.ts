import { randomUUID } from 'node:crypto';
import { type Classifier, type Prediction, predict } from '../model/classifier.ts';
import { wordsOf } from '../model/features.ts';

/** A request that cannot be answered, for the reason in the message. */
export class BadRequest extends Error {
  readonly param: string | null;

  constructor(message: string, param: string | null = null) {
    super(message);
    this.param = param;
  }
}

export interface Served {
  readonly classifier: Classifier;
  readonly name: string;
}

export interface ServedAnswer {
  readonly predictions: readonly Prediction[];
  readonly body: object;
  /** Where a stream was asked for. */
  readonly events?: readonly object[];
}

type Body = Readonly<Record<string, unknown>>;

const mostPrompts = 2_048;

/** `POST /v1/chat/completions`: the class of the last message of the user, as JSON. */
export function answerChat({ classifier, name }: Served, body: Body): ServedAnswer {
  const text = lastOfUser(body.messages);
  const prediction = predict(classifier, text);
  const content = show(prediction);
  const usage = usageOf([text]);
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1_000), model: name };
  const message = { role: 'assistant', content, refusal: null };
  const whole = {
    ...{ ...head, object: 'chat.completion', usage },
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
  };
  if (body.stream !== true) return { predictions: [prediction], body: whole };
  const part = (delta: object, finish: string | null) => ({
    ...{ ...head, object: 'chat.completion.chunk' },
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const last = { ...head, object: 'chat.completion.chunk', choices: [], usage };
  const events = [part({ role: 'assistant', content }, null), part({}, 'stop'), ...(asksForUsage(body) ? [last] : [])];
  return { predictions: [prediction], body: whole, events };
}

/** `POST /v1/completions`: the class of each prompt, as JSON. */
export function answerCompletions({ classifier, name }: Served, body: Body): ServedAnswer {
  const prompts = promptsOf(body.prompt);
  const predictions = prompts.map((prompt) => predict(classifier, prompt));
  const usage = usageOf(prompts);
  const head = {
    ...{ id: `cmpl-${randomUUID()}`, object: 'text_completion', created: Math.floor(Date.now() / 1_000), model: name },
  };
  const choices = predictions.map((prediction, index) => ({
    ...{ index, text: show(prediction), logprobs: null, finish_reason: 'stop' },
  }));
  const whole = { ...head, choices, usage };
  if (body.stream !== true) return { predictions, body: whole };
  const events = [...choices.map((choice) => ({ ...head, choices: [choice] })), { ...head, choices: [], usage }];
  return { predictions, body: whole, events: asksForUsage(body) ? events : events.slice(0, -1) };
}

/** What the text of an answer is: JSON with the class, its probability, and those of all classes. */
function show({ label, confidence, scores }: Prediction): string {
  return JSON.stringify({ label, confidence, scores });
}

/** A token is a word, and a class. */
function usageOf(texts: readonly string[]) {
  const prompt_tokens = texts.reduce((sum, text) => sum + Math.max(1, wordsOf(text).length), 0);
  return { prompt_tokens, completion_tokens: texts.length, total_tokens: prompt_tokens + texts.length };
}

function lastOfUser(messages: unknown): string {
  if (!Array.isArray(messages)) throw new BadRequest('messages must be a list', 'messages');
  const last: unknown = messages.findLast((message: unknown) => isObject(message) && message.role === 'user');
  const text = isObject(last) ? textOf(last.content) : undefined;
  if (text === undefined) throw new BadRequest('messages must have a message of the user with text', 'messages');
  return text;
}

function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.flatMap((part: unknown) =>
    isObject(part) && typeof part.text === 'string' ? [part.text] : [],
  );
  return texts.length > 0 ? texts.join('\n') : undefined;
}

function promptsOf(prompt: unknown): readonly string[] {
  if (typeof prompt === 'string') return [prompt];
  const isList = Array.isArray(prompt) && prompt.length > 0 && prompt.length <= mostPrompts;
  if (isList && prompt.every((one) => typeof one === 'string')) return prompt;
  throw new BadRequest(`prompt must be a text, or a list of 1 to ${mostPrompts} texts`, 'prompt');
}

function asksForUsage({ stream_options: options }: Body): boolean {
  return isObject(options) && options.include_usage === true;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
