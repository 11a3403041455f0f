import { asArray, asCount, asObject, asString, type Body } from '../json.ts';
import type { WireFormat } from '../wire-format.ts';
import { type Assembly, makeCompletionReader, readCompletion } from './choices.ts';
import { JoinedText } from './joined-text.ts';

/** `POST /v1/chat/completions`. */
export const chat: WireFormat = {
  path: '/chat/completions',
  needsUsageOption: (body) => asObject(body.stream_options)?.include_usage !== true,
  read: readCompletion,
  readStream: (options) => makeCompletionReader(options, asCount(options.body.n) ?? 1, makeAssembly()),
};

interface Message {
  readonly content: JoinedText;
  refusal: string;
  finishReason: string | null;
  readonly toolCalls: ToolCall[];
  /** The legacy form, from before tools. */
  functionCall: { name: string; arguments: string } | undefined;
}

interface ToolCall {
  type: 'function' | 'custom';
  id: string;
  name: string;
  /** A function's arguments, or a custom tool's input. */
  input: string;
}

function makeAssembly(): Assembly {
  const messages: Message[] = [];
  const addToolCalls = (message: Message, deltas: unknown) => {
    for (const value of asArray(deltas)) {
      const delta = asObject(value);
      const custom = asObject(delta?.custom);
      const called = custom ?? asObject(delta?.function);
      const index = asCount(delta?.index) ?? 0;
      if (index > 1_000) continue;
      message.toolCalls[index] ??= { type: custom ? 'custom' : 'function', id: '', name: '', input: '' };
      const call = message.toolCalls[index];
      call.id += asString(delta?.id) ?? '';
      call.name += asString(called?.name) ?? '';
      call.input += asString(custom ? custom.input : called?.arguments) ?? '';
    }
  };
  const addFunctionCall = (message: Message, value: unknown) => {
    const delta = asObject(value);
    if (!delta) return;
    const { name = '', arguments: input = '' } = message.functionCall ?? {};
    message.functionCall = {
      name: name + (asString(delta.name) ?? ''),
      arguments: input + (asString(delta.arguments) ?? ''),
    };
  };
  return {
    add(choices: readonly unknown[]) {
      for (const value of choices) {
        const choice = asObject(value);
        const delta = asObject(choice?.delta);
        const index = asCount(choice?.index) ?? 0;
        if (index > 1_000) continue;
        messages[index] ??= {
          content: new JoinedText(),
          refusal: '',
          finishReason: null,
          toolCalls: [],
          functionCall: undefined,
        };
        const message = messages[index];
        message.content.add(asString(delta?.content) ?? '');
        message.refusal += asString(delta?.refusal) ?? '';
        message.finishReason = asString(choice?.finish_reason) ?? message.finishReason;
        addToolCalls(message, delta?.tool_calls);
        addFunctionCall(message, delta?.function_call);
      }
    },
    textIn({ delta }) {
      const { role: _, content, ...others } = asObject(delta) ?? {};
      return typeof content === 'string' && Object.values(others).every(isEmpty) ? content : undefined;
    },
    addText({ choiceIndex, text }) {
      messages[choiceIndex]?.content.add(text);
    },
    toJson({ responseId, model }) {
      const choices = messages.map(({ content, refusal, finishReason, toolCalls, functionCall }, index) => ({
        index,
        message: {
          role: 'assistant',
          content: content.toString(),
          refusal: refusal === '' ? null : refusal,
          ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toJsonCall) }),
          ...(functionCall && { function_call: functionCall }),
        },
        finish_reason: finishReason,
      }));
      return JSON.stringify({ id: responseId, object: 'chat.completion', model, choices } satisfies Body);
    },
  };
}

/** Such fields of a delta add nothing. */
function isEmpty(field: unknown): boolean {
  return field === null || (Array.isArray(field) && field.length === 0);
}

function toJsonCall({ type, id, name, input }: ToolCall): object {
  return type === 'custom' ? { id, type, custom: { name, input } } : { id, type, function: { name, arguments: input } };
}
