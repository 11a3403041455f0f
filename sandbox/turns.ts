import { Fields, missing, wrongType } from './fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

/** An item of a prompt, reduced to its speaker and text. */
export interface Turn {
  speaker: 'operator' | 'user' | 'assistant' | 'tool' | 'other';
  text: string;
  /** The turn's size in the input: UTF-8 bytes of its text, and of the JSON of everything that is not text. */
  bytes: number;
  /** The place of its message, where several turns can come from one. */
  at?: number;
  /** The tool calls of the turn. */
  calls?: readonly CalledTool[];
  /** For an output of a tool: the id of its call, or the tool's name where calls have no ids. */
  answers?: { callId: string } | { name: string };
}

export interface CalledTool {
  callId: string;
  name: string;
}

const speakers = {
  system: 'operator',
  developer: 'operator',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
} as const;

type Role = keyof typeof speakers;
const chatRoles: readonly Role[] = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
const responseRoles: readonly Role[] = ['system', 'developer', 'user', 'assistant'];

/** Reads `messages` of a chat completion. */
export function readChatMessages(body: Fields): Turn[] {
  const messages = body.objects('messages');
  if (messages === null) throw missing('messages');
  return messages.map((message, index) => readChatMessage(new Fields(message, `messages[${index}]`)));
}

function readChatMessage(message: Fields): Turn {
  const said = readMessage(message, chatRoles);
  const role = message.string('role');
  if (role === 'tool') return { ...said, answers: { callId: message.requiredString('tool_call_id') } };
  if (role === 'function') return { ...said, answers: { name: message.requiredString('name') } };
  const calls = role === 'assistant' ? message.objects('tool_calls', { notEmpty: true }) : null;
  const called = role === 'assistant' ? message.object('function_call') : null;
  const bytes = said.bytes + bytesOfJson(calls) + bytesOfJson(called);
  if (calls === null) return { ...said, bytes };
  return {
    ...said,
    bytes,
    calls: calls.map((call, index) => readToolCall(call, message.path(`tool_calls[${index}]`))),
  };
}

function readToolCall(call: JsonObject, path: string): CalledTool {
  const fields = new Fields(call, path);
  const type = fields.choice('type', ['function', 'custom']);
  if (type === null) throw missing(fields.path('type'));
  const tool = fields.nested(type);
  if (tool === null) throw missing(fields.path(type));
  tool.requiredString(type === 'function' ? 'arguments' : 'input');
  return { callId: fields.requiredString('id'), name: tool.requiredString('name') };
}

/** Reads `input` of a response as a list of items. */
export function readInputItems(body: Fields): JsonObject[] {
  const input = body.value('input');
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }];
  if (Array.isArray(input)) return body.objects('input') ?? [];
  if (input === null) throw missing('input');
  throw wrongType('input', 'one of a string or array of input items', input);
}

/** Reads an item of a response's input or output. An item of an unknown kind is only counted. */
export function readItem(item: JsonObject, path: string): Turn {
  const fields = new Fields(item, path);
  const type = fields.string('type') ?? 'message';
  if (type === 'message') return readMessage(fields, responseRoles);
  const other: Turn = { speaker: 'other', text: '', bytes: bytesOfJson(item) };
  if (type === 'function_call' || type === 'custom_tool_call') {
    fields.requiredString(type === 'function_call' ? 'arguments' : 'input');
    return { ...other, calls: [{ callId: fields.requiredString('call_id'), name: fields.requiredString('name') }] };
  }
  if (type === 'function_call_output' || type === 'custom_tool_call_output') {
    return { ...readOutput(fields), answers: { callId: fields.requiredString('call_id') } };
  }
  const output = item.output;
  return type.endsWith('_call_output') && typeof output === 'string' ? turn('tool', output) : other;
}

/** Reads a tool's output: a text, or parts. */
function readOutput(fields: Fields): Turn {
  const output = fields.value('output');
  if (typeof output === 'string') return turn('tool', output);
  if (output === null) throw missing(fields.path('output'));
  if (Array.isArray(output)) return readParts('tool', output, fields.path('output'));
  throw wrongType(fields.path('output'), 'one of a string or array of objects', output);
}

function bytesOfJson(value: JsonValue): number {
  return value === null ? 0 : Buffer.byteLength(JSON.stringify(value));
}

export function operatorTurn(text: string): Turn {
  return turn('operator', text);
}

function turn(speaker: Turn['speaker'], text: string): Turn {
  return { speaker, text, bytes: Buffer.byteLength(text) };
}

function readMessage(message: Fields, roles: readonly Role[]): Turn {
  const role = message.choice('role', roles);
  if (role === null) throw missing(message.path('role'));
  const content = message.value('content');
  if (typeof content === 'string') return turn(speakers[role], content);
  // Only an assistant that called tools may have no content.
  if (content === null && role === 'assistant') return turn('assistant', '');
  if (!Array.isArray(content)) throw wrongType(message.path('content'), 'one of a string or array of objects', content);
  return readParts(speakers[role], content, message.path('content'));
}

function readParts(speaker: Turn['speaker'], parts: JsonValue[], path: string): Turn {
  const texts: string[] = [];
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    if (!isJsonObject(part)) throw wrongType(`${path}[${index}]`, 'an object', part);
    const fields = new Fields(part, `${path}[${index}]`);
    const type = fields.string('type');
    if (type === null) throw missing(fields.path('type'));
    if (type === 'text' || type === 'input_text' || type === 'output_text') {
      const text = fields.requiredString('text');
      texts.push(text);
      bytes += Buffer.byteLength(text);
    } else {
      bytes += Buffer.byteLength(JSON.stringify(part));
    }
  }
  return { speaker, text: texts.join(' '), bytes };
}
