import { splitDeltas, splitJson } from '../answer.ts';
import type { EventStream, StreamEvent } from '../generation.ts';
import type { JsonObject } from '../json.ts';
import { errorEnvelope } from '../provider-error.ts';
import type { IdentifiedCall } from '../tools/tool.ts';
import type { TokenUsage } from '../usage.ts';

/** A completion that is decided but not yet written. */
export interface Completion {
  /** The first fields of every chunk and of the whole answer. */
  head: JsonObject;
  text: string;
  /** The message's field that has the text. */
  saidAs: 'content' | 'refusal';
  /** The tool calls of each choice. A choice with calls has no text. */
  choices: IdentifiedCall[][];
  /** The field of the message that has the calls; `function_call` has one. */
  calledAs: 'tool_calls' | 'function_call';
  finishReason: 'stop' | 'length' | 'tool_calls' | 'function_call';
  usage: TokenUsage;
}

export function wholeAnswer(completion: Completion): JsonObject {
  return {
    ...completion.head,
    object: 'chat.completion',
    choices: completion.choices.map((calls, index) => ({
      index,
      message: message(completion, calls),
      logprobs: null,
      finish_reason: completion.finishReason,
    })),
    usage: usageObject(completion.usage),
    system_fingerprint: fingerprint,
  };
}

function message({ text, saidAs, calledAs }: Completion, calls: readonly IdentifiedCall[]): JsonObject {
  const [first] = calls;
  const empty = { role: 'assistant', content: null, refusal: null, annotations: [] };
  if (!first) return { ...empty, [saidAs]: text };
  return calledAs === 'function_call'
    ? { ...empty, function_call: tool(first, first.input) }
    : { ...empty, tool_calls: calls.map((call) => toolCall(call, call.input)) };
}

/** The field of a call with the arguments of a function, or the input of a custom tool. */
function tool({ kind, name }: IdentifiedCall, input: string): JsonObject {
  return { name, ...inputOf(kind, input) };
}

function inputOf(kind: IdentifiedCall['kind'], input: string): JsonObject {
  return kind === 'function' ? { arguments: input } : { input };
}

function toolCall(call: IdentifiedCall, input: string): JsonObject {
  return { id: call.callId, type: call.kind, [call.kind]: tool(call, input) };
}

export function chunkStream(completion: Completion, includeUsage: boolean): EventStream {
  const told = completion.choices.map((calls) => tell(completion, calls));
  return {
    deltaCount: told.flat().filter(({ part }) => part === 'delta').length,
    events: () => chunks(completion, told, includeUsage),
    encode: (data) => `data: ${JSON.stringify(data)}\n\n`,
    error: errorEnvelope,
    unknown: () => ({ ...completion.head, object: 'chat.completion.note', choices: [] }),
    trailer: 'data: [DONE]\n\n',
  };
}

/** One piece of a choice's message. */
interface Piece {
  part: 'opening' | 'delta';
  delta: JsonObject;
}

function* chunks(completion: Completion, told: Piece[][], includeUsage: boolean): Iterable<StreamEvent> {
  const chunk = (choices: JsonObject[], usage: JsonObject | null): JsonObject => ({
    ...completion.head,
    object: 'chat.completion.chunk',
    system_fingerprint: fingerprint,
    choices,
    ...(includeUsage ? { usage } : {}),
  });
  const choice = (index: number, delta: JsonObject, finishReason: string | null = null) =>
    chunk([{ index, delta, logprobs: null, finish_reason: finishReason }], null);

  // All choices have the same number of pieces: they differ only in the ids of their calls.
  for (const step of told[0]?.keys() ?? []) {
    for (const [index, pieces] of told.entries()) {
      const piece = pieces[step];
      if (piece) yield { part: piece.part, data: choice(index, piece.delta) };
    }
  }
  for (const index of told.keys()) yield { part: 'terminal', data: choice(index, {}, completion.finishReason) };
  if (includeUsage) yield { part: 'terminal', data: chunk([], usageObject(completion.usage)) };
}

/**
 * A choice's message, piece by piece. A single call begins together with the message, as at OpenAI; several come after
 * it.
 */
function tell({ text, saidAs, calledAs }: Completion, calls: readonly IdentifiedCall[]): Piece[] {
  const [first, ...others] = calls;
  if (!first) {
    const open: Piece = { part: 'opening', delta: { role: 'assistant', content: '', refusal: null } };
    return [open, ...splitDeltas(text).map((piece): Piece => ({ part: 'delta', delta: { [saidAs]: piece } }))];
  }
  const open = { role: 'assistant', content: null, refusal: null };
  if (calledAs === 'function_call') {
    const called = { function_call: tool(first, '') };
    return [
      { part: 'opening', delta: { ...open, ...called } },
      ...inputPieces(first, (piece) => ({ function_call: piece })),
    ];
  }
  if (others.length > 0) return [{ part: 'opening', delta: open }, ...calls.flatMap(tellCall)];
  const [head, ...rest] = tellCall(first, 0);
  return [{ part: 'opening', delta: { ...open, ...head?.delta } }, ...rest];
}

function tellCall(call: IdentifiedCall, index: number): Piece[] {
  const open: Piece = { part: 'opening', delta: { tool_calls: [{ index, ...toolCall(call, '') }] } };
  return [open, ...inputPieces(call, (piece) => ({ tool_calls: [{ index, [call.kind]: piece }] }))];
}

function inputPieces({ kind, input }: IdentifiedCall, wrap: (piece: JsonObject) => JsonObject): Piece[] {
  const pieces = kind === 'function' ? splitJson(input) : splitDeltas(input);
  return pieces.map((piece) => ({ part: 'delta', delta: wrap(inputOf(kind, piece)) }));
}

const fingerprint = 'fp_5a4db0c4e1';

function usageObject({ input, cached, output, reasoning }: TokenUsage): JsonObject {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
