import { readMessages } from '../../../conversations/messages.ts';
import { asArray, asObject, asString, type Body } from '../../../providers/json.ts';
import type { OperationName } from '../../../providers/operation-name.ts';

/** What people see of an answer that they review. */
export interface AnswerText {
  readonly text: string;
  /** Names and arguments of the tools that the model wants called. */
  readonly toolCalls: readonly { readonly name: string; readonly arguments: unknown }[];
}

/** Reads an answer of an operation whose answers people review. */
export function readAnswerText(answer: Body): AnswerText {
  const parts = [...asArray(answer.output), ...asArray(answer.choices).map(ofChoice), ...asArray(answer.content)];
  const read = parts.map((part) => readPart(asObject(part) ?? {}));
  return {
    text: read.flatMap(({ text }) => text).join('\n\n'),
    toolCalls: read.flatMap(({ toolCalls }) => toolCalls),
  };
}

/** The last that the caller said. */
export function readQuery(operation: OperationName, said: Body | undefined): string {
  if (!said) return '';
  return readMessages(operation, said).findLast(({ by }) => by === 'caller')?.text ?? '';
}

interface Part {
  readonly text: readonly string[];
  readonly toolCalls: AnswerText['toolCalls'];
}

function ofChoice(choice: unknown): unknown {
  const { message, text } = asObject(choice) ?? {};
  return asObject(message) ?? { content: text };
}

/** An item of a response, a message of a chat, or a block of a message. */
function readPart(part: Body): Part {
  const { type } = part;
  if (type === 'reasoning' || type === 'thinking' || type === 'redacted_thinking') return { text: [], toolCalls: [] };
  if (type === 'tool_use' || type === 'function_call' || type === 'custom_tool_call') {
    const name = asString(part.name) ?? '';
    return { text: [], toolCalls: [{ name, arguments: part.arguments ?? part.input ?? null }] };
  }
  const calls = asArray(part.tool_calls).map((call) => {
    const { function: asked, custom } = asObject(call) ?? {};
    const { name, arguments: given, input } = asObject(asked) ?? asObject(custom) ?? {};
    return { name: asString(name) ?? '', arguments: given ?? input ?? null };
  });
  const { content } = part;
  const pieces = typeof content === 'string' ? [content] : asArray(content).map(textOfPiece);
  const whole = [...pieces, asString(part.text) ?? '', asString(part.refusal) ?? ''].filter((text) => text !== '');
  return { text: whole.length === 0 ? [] : [whole.join('')], toolCalls: calls };
}

function textOfPiece(piece: unknown): string {
  const { text, refusal } = asObject(piece) ?? {};
  return asString(text) ?? asString(refusal) ?? '';
}
