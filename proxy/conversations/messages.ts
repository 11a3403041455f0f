import { asArray, asObject, asString, type Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';

/** A message of a call, or a part of one that providers treat as a message. Instructions are none. */
export interface Message {
  /** Who says it: who calls (the user, or a tool that ran there), or the model. */
  readonly by: 'caller' | 'model';
  /** The result of a tool. Results of one round may be sent in any order. */
  readonly isResult: boolean;
  /** It stands for earlier messages that the client no longer sends. */
  readonly isSummary: boolean;
  /** Its words, names and arguments of tools, and where its files are. */
  readonly text: string;
}

/** Where the messages of a call are, for the calls that belong to conversations. */
type Reader = (body: Body) => Message[];

const readers: Partial<Readonly<Record<OperationName, Reader>>> = {
  chat: ({ messages }) => readEach(messages, ofChat),
  messages: ({ messages }) => readEach(messages, ofChat),
  responses: ({ input }) => ofInput(input),
  realtime: ({ input }) => ofInput(input),
  compact: ({ input }) => ofInput(input),
  completions: ({ prompt }) => [say('caller', asString(prompt) ?? JSON.stringify(prompt ?? ''))],
};

/** Whether calls of this operation belong to conversations. */
export function hasConversation(operation: OperationName): boolean {
  return readers[operation] !== undefined;
}

/**
 * Reads the messages of a call, without what clients change from call to call: instructions, reasoning, ids, marks for
 * the provider's cache. So a call and the ones that continue it read the same of it.
 */
export function readMessages(operation: OperationName, body: Body): Message[] {
  return readers[operation]?.(body) ?? [];
}

/** Reads what the model answered, in the same way. */
export function readAnswer({ choices, output, content }: Body): Message[] {
  if (Array.isArray(output)) return ofInput(output);
  if (!Array.isArray(choices)) return readEach([{ role: 'assistant', content }], ofChat);
  const choice = asObject(choices[0]);
  return typeof choice?.text === 'string' ? [say('model', choice.text)] : readEach([choice?.message], ofChat);
}

function readEach(values: unknown, read: (value: unknown) => Message | readonly Message[]): Message[] {
  const messages: Message[] = [];
  for (const value of asArray(values)) {
    const one = read(value);
    if ('by' in one) messages.push(one);
    else messages.push(...one);
  }
  return messages;
}

const nothing: readonly Message[] = [];

/** Messages of chat completions, and of Anthropic's Messages API. */
function ofChat(value: unknown): Message | readonly Message[] {
  const message = asObject(value);
  const role = message?.role;
  if (!message || role === 'system' || role === 'developer') return nothing;
  if (role === 'tool' || role === 'function') return say('caller', textOf(message.content), true);
  const { content } = message;
  const by = role === 'assistant' ? 'model' : 'caller';
  // Nearly every message is a text alone.
  if (typeof content === 'string' && content !== '' && !message.tool_calls && !message.function_call)
    return say(by, content);
  const calls = [...asArray(message.tool_calls), message.function_call].map(nameCall);
  const text = joined([textOf(content), asString(message.refusal) ?? '', ...calls]);
  const results = Array.isArray(content) ? content.filter(isResult).map((part) => say(by, textOf(part), true)) : [];
  return text === '' && results.length > 0 ? results : [...results, say(by, text)];
}

/** Items of the Responses API, among which a bare message needs no type. */
function ofInput(input: unknown): Message[] {
  if (!Array.isArray(input)) return input === undefined || input === null ? [] : [say('caller', String(input))];
  return readEach(input, (value) => {
    const item = asObject(value);
    const type = asString(item?.type) ?? 'message';
    if (!item || type === 'reasoning') return nothing;
    if (type === 'message') return ofChat(item);
    if (type === 'function_call') return say('model', nameCall(item));
    const isAnswer = /_(?:output|response)$/.test(type);
    const content = item.output ?? item.encrypted_content ?? item.id ?? '';
    return say(isAnswer || type === 'compaction' ? 'caller' : 'model', `${type} ${textOf(content)}`, isAnswer);
  });
}

function say(by: Message['by'], said: string, isToolResult = false): Message {
  const text = said.trim();
  return { by, isResult: isToolResult, isSummary: by === 'caller' && !isToolResult && summary.test(text), text };
}

/** How summaries begin that take the place of a conversation: OpenAI's item, and those of Claude Code and of Codex. */
const summary =
  /^(?:compaction |This session is being continued from a previous conversation|Another language model started to solve this problem and produced a summary)/;

function isResult(part: unknown): boolean {
  return asObject(part)?.type === 'tool_result';
}

/** A call of a tool. Its id is left out: some clients give it another one. */
function nameCall(value: unknown): string {
  const call = asObject(value);
  if (!call) return '';
  const { name, arguments: given, input } = asObject(call.function) ?? asObject(call.custom) ?? call;
  return `${asString(name) ?? ''}(${asString(given ?? input) ?? JSON.stringify(given ?? input ?? '')})`;
}

/** The words of a content: text, or a list of parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return joined(content.map(textOfPart));
  const object = asObject(content);
  return object ? textOfPart(object) : '';
}

const silentParts = new Set(['thinking', 'redacted_thinking', 'reasoning', 'tool_result']);

function textOfPart(value: unknown): string {
  const part = asObject(value);
  if (!part) return asString(value) ?? '';
  const { type, text } = part;
  if (typeof text === 'string') return text;
  if (type === 'tool_use') return nameCall(part);
  if (typeof type === 'string' && silentParts.has(type)) return '';
  return asString(part.refusal) ?? fileOf(part);
}

/** Where a picture, a sound or a file is, or its bytes. */
function fileOf(part: Body): string {
  for (const name in part) {
    const value = part[name];
    if (name === 'type' || name === 'cache_control' || name === 'detail') continue;
    if (typeof value === 'string') return value;
    const inner = asObject(value);
    const text =
      inner && (asString(inner.url) ?? asString(inner.data) ?? asString(inner.file_data) ?? asString(inner.file_id));
    if (text) return text;
  }
  return '';
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n');
}
