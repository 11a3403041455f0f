import { Fields, missing, wrongType } from '../fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { OutputFormat } from '../output-format.ts';
import { ProviderError } from '../provider-error.ts';
import { requireAnsweredBlocks } from '../tools/answered-calls.ts';
import { readMessagesTools } from '../tools/messages-tools.ts';
import type { ToolUse } from '../tools/tool.ts';
import { type CalledTool, operatorTurn, type Turn } from '../turns.ts';

/** The parameters of `POST /v1/messages` that the sandbox acts on. */
export interface MessagesRequest {
  model: string;
  turns: Turn[];
  toolUse: ToolUse;
  maxTokens: number;
  stop: readonly string[];
  format: OutputFormat;
  /** Whether the answer begins with a thought. */
  thinks: boolean;
  stream: boolean;
}

/** @throws ProviderError 400 naming the parameter that is missing or wrong */
export function readMessagesRequest(body: Fields): MessagesRequest {
  const maxTokens = body.integer('max_tokens', { minimum: 0 });
  if (maxTokens === null) throw missing('max_tokens');
  body.number('temperature', { minimum: 0, maximum: 1 });
  body.number('top_p', { minimum: 0, maximum: 1 });
  body.integer('top_k', { minimum: 0 });
  body.choice('service_tier', ['auto', 'standard_only']);
  body.nested('metadata')?.string('user_id');
  const thinking = body.nested('thinking')?.choice('type', ['enabled', 'adaptive', 'disabled', 'between_tools']);
  return {
    ...readMessagesPrompt(body),
    maxTokens,
    stop: readStops(body.value('stop_sequences')),
    format: readFormat(body),
    thinks: thinking === 'enabled' || thinking === 'adaptive',
    stream: body.boolean('stream') ?? false,
  };
}

/** What a request says, which is also all that the counting of tokens needs. @throws ProviderError 400 */
export function readMessagesPrompt(body: Fields): Pick<MessagesRequest, 'model' | 'turns' | 'toolUse'> {
  const model = body.requiredString('model');
  const turns = [...readSystem(body), ...readMessages(body)];
  return { model, turns, toolUse: readMessagesTools(body) };
}

function readFormat(body: Fields): OutputFormat {
  const config = body.nested('output_config');
  config?.choice('effort', ['low', 'medium', 'high', 'xhigh', 'max']);
  const format = config?.nested('format') ?? null;
  if (format === null) return { type: 'text' };
  if (format.choice('type', ['json_schema']) === null) throw missing(format.path('type'));
  const schema = format.object('schema');
  if (schema === null) throw missing(format.path('schema'));
  return { type: 'json_schema', schema };
}

function readStops(value: JsonValue): string[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw wrongType('stop_sequences', 'an array', value);
  return value.map((stop, index) => {
    const path = `stop_sequences[${index}]`;
    if (typeof stop !== 'string') throw wrongType(path, 'a string', stop);
    if (stop.trim() !== '') return stop;
    throw new ProviderError('each stop sequence must contain non-whitespace', { param: 'stop_sequences' });
  });
}

function readSystem(body: Fields): Turn[] {
  const system = body.value('system');
  if (system === null) return [];
  if (typeof system === 'string') return [operatorTurn(system)];
  const { text } = readBlocks(system, 'system');
  return [operatorTurn(text.join(' '))];
}

function readMessages(body: Fields): Turn[] {
  const messages = body.objects('messages');
  if (messages === null) throw missing('messages');
  if (messages.length === 0) throw new ProviderError('at least one message is required', { param: 'messages' });
  const turns = messages.flatMap((message, index) => readMessage(message, index, index === messages.length - 1));
  requireAnsweredBlocks(turns);
  return turns;
}

/** Reads a message. Each result of a tool in it becomes a turn of its own. */
function readMessage(message: JsonObject, index: number, isLast: boolean): Turn[] {
  const fields = new Fields(message, `messages[${index}]`);
  const role = fields.choice('role', ['user', 'assistant', 'system']);
  if (role === null) throw missing(fields.path('role'));
  const content = fields.value('content');
  if (content === null) throw missing(fields.path('content'));
  const speaker = role === 'system' ? 'operator' : role;
  const read = readBlocks(content, fields.path('content'));
  if (
    read.text.length + read.calls.length + read.results.length + read.otherBytes === 0 &&
    !(isLast && role === 'assistant')
  ) {
    throw new ProviderError(
      'all messages must have non-empty content except for the optional final assistant message',
      {
        param: fields.path(''),
      },
    );
  }
  const text = read.text.join(' ');
  if (isLast && role === 'assistant' && /\s$/.test(text)) {
    throw new ProviderError('final assistant content cannot end with trailing whitespace', { param: 'messages' });
  }
  const said: Turn = { speaker, text, bytes: read.textBytes + read.otherBytes, at: index };
  if (read.calls.length > 0) said.calls = read.calls;
  const results = read.results.map((result) => ({ ...result, at: index }));
  return results.length > 0 && said.bytes === 0 ? results : [...results, said];
}

interface Blocks {
  text: string[];
  textBytes: number;
  /** Bytes of what is neither a text nor the text of a tool's result. */
  otherBytes: number;
  calls: CalledTool[];
  results: Turn[];
}

function readBlocks(content: JsonValue, path: string): Blocks {
  const read: Blocks = { text: [], textBytes: 0, otherBytes: 0, calls: [], results: [] };
  if (typeof content === 'string') {
    if (content !== '') read.text.push(content);
    read.textBytes = Buffer.byteLength(content);
    return read;
  }
  if (!Array.isArray(content)) throw wrongType(path, 'one of a string or array of objects', content);
  for (const [index, block] of content.entries()) {
    if (!isJsonObject(block)) throw wrongType(`${path}[${index}]`, 'an object', block);
    readBlock(new Fields(block, `${path}[${index}]`), block, read);
  }
  return read;
}

function readBlock(fields: Fields, block: JsonObject, read: Blocks): void {
  const type = fields.requiredString('type');
  if (type === 'text') {
    const text = fields.requiredString('text');
    if (text === '') throw new ProviderError('text content blocks must be non-empty', { param: 'messages' });
    read.text.push(text);
    read.textBytes += Buffer.byteLength(text);
    return;
  }
  if (type === 'tool_result') {
    const content = fields.value('content');
    const { text, textBytes, otherBytes } = readBlocks(content ?? '', fields.path('content'));
    const answers = { callId: fields.requiredString('tool_use_id') };
    read.results.push({ speaker: 'tool', text: text.join(' '), bytes: textBytes + otherBytes, answers });
    return;
  }
  if (type === 'tool_use') {
    if (fields.object('input') === null) throw missing(fields.path('input'));
    read.calls.push({ callId: fields.requiredString('id'), name: fields.requiredString('name') });
  }
  if (type === 'image' || type === 'document') requireSource(fields, type);
  read.otherBytes += Buffer.byteLength(JSON.stringify(block));
}

const mediaTypes = {
  image: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'],
  document: ['application/pdf', 'text/plain'],
} as const;

function requireSource(block: Fields, type: keyof typeof mediaTypes): void {
  const source = block.nested('source');
  if (source === null) throw missing(block.path('source'));
  const kind = source.choice('type', ['base64', 'url', 'text', 'file', 'content']);
  if (kind === null) throw missing(source.path('type'));
  if (kind === 'url') source.requiredString('url');
  if (kind === 'file') source.requiredString('file_id');
  if (kind !== 'base64' && kind !== 'text') return;
  if (source.choice('media_type', mediaTypes[type]) === null) throw missing(source.path('media_type'));
  source.requiredString('data');
}
