import { Fields, missing, wrongType } from './fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

/** One item of a prompt, reduced to who speaks and what is said. */
export interface Turn {
  speaker: 'operator' | 'user' | 'assistant' | 'other';
  text: string;
  /** What the turn adds to the input: UTF-8 bytes of its text, and of the JSON of whatever is not text. */
  bytes: number;
}

const speakers = {
  system: 'operator',
  developer: 'operator',
  user: 'user',
  assistant: 'assistant',
  tool: 'user',
  function: 'user',
} as const;

type Role = keyof typeof speakers;
const chatRoles: readonly Role[] = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];
const responseRoles: readonly Role[] = ['system', 'developer', 'user', 'assistant'];

/** Reads `messages` of a chat completion. */
export function readChatMessages(body: Fields): Turn[] {
  const messages = body.objects('messages');
  if (messages === null) throw missing('messages');
  return messages.map((message, index) => readMessage(new Fields(message, `messages[${index}]`), chatRoles));
}

/** Reads `input` of a response, as the list of items it stands for. */
export function readInputItems(body: Fields): JsonObject[] {
  const input = body.value('input');
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }];
  if (Array.isArray(input)) return body.objects('input') ?? [];
  if (input === null) throw missing('input');
  throw wrongType('input', 'one of a string or array of input items', input);
}

/** Reads one item of a response's input or output. Kinds the sandbox does not know are counted, not understood. */
export function readItem(item: JsonObject, path: string): Turn {
  const fields = new Fields(item, path);
  const type = fields.string('type') ?? 'message';
  if (type === 'message') return readMessage(fields, responseRoles);
  const output = item.output;
  if (type.endsWith('_call_output') && typeof output === 'string') return turn('user', output);
  return { speaker: 'other', text: '', bytes: Buffer.byteLength(JSON.stringify(item)) };
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
  // An assistant that called tools, and nobody else, has nothing to say.
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
