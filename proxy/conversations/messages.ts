import { asArray, asObject, asString, type Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';

/** A message of a call, or a part of one that providers treat as a message. Instructions are none. */
export interface Message {
  /** Who says it: who calls (the user, or a tool that ran there), or the model. */
  readonly by: 'caller' | 'model';
  /** The result of a tool. Results of one round may be sent in any order. */
  readonly isResult: boolean;
  /** Its words, names and arguments of tools, and where its files are. */
  readonly text: string;
}

/** The messages of a body, before they are read. */
export interface MessageList {
  readonly values: readonly unknown[];
  readonly read: ReadValue;
}

type ReadValue = (value: unknown) => Message | readonly Message[];

/** Where the messages of a call are, and how they are read. */
interface Reader {
  readonly find: (body: Body) => unknown;
  readonly read: ReadValue;
  /** Of what is no list: by the Responses API, it may be a text. */
  readonly readText?: (text: unknown) => Message[];
}

const messages: Reader = { find: (body) => body.messages, read: ofChat };
const input: Reader = {
  find: (body) => body.input,
  read: ofItem,
  readText: (text) => (text === undefined || text === null ? [] : [say('caller', String(text))]),
};
const prompt: Reader = {
  find: (body) => asString(body.prompt) ?? JSON.stringify(body.prompt ?? ''),
  read: () => nothing,
  readText: (text) => [say('caller', String(text))],
};

const readers: Partial<Readonly<Record<OperationName, Reader>>> = {
  chat: messages,
  messages,
  responses: input,
  realtime: input,
  compact: input,
  completions: prompt,
};

/** Whether calls of this operation belong to conversations. */
export function hasConversation(operation: OperationName): boolean {
  return readers[operation] !== undefined;
}

/** The list of messages of a call. Undefined: it has none. */
export function listMessages(operation: OperationName, body: Body): MessageList | undefined {
  const reader = readers[operation];
  const values = reader?.find(body);
  return reader && Array.isArray(values) ? { values, read: reader.read } : undefined;
}

/**
 * Reads the messages of a call, without what clients change from call to call: instructions, reasoning, ids, marks for
 * the provider's cache. So a call and the ones that continue it read the same of it.
 */
export function readMessages(operation: OperationName, body: Body): Message[] {
  const list = listMessages(operation, body);
  if (list) return readEach(list.values, list.read);
  const reader = readers[operation];
  return reader?.readText?.(reader.find(body)) ?? [];
}

/** Reads the messages of a list from one of its values on. */
export function readFrom({ values, read }: MessageList, start: number): Message[] {
  return readEach(start === 0 ? values : values.slice(start), read);
}

/** Reads what the caller says first. */
export function readOpening({ values, read }: MessageList): string {
  for (const value of values) {
    const one = read(value);
    for (const { by, text } of 'by' in one ? [one] : one) if (by === 'caller') return text;
  }
  return '';
}

/** Reads what the model answered, in the same way. */
export function readAnswer({ choices, output, content }: Body): Message[] {
  if (Array.isArray(output)) return readEach(output, ofItem);
  if (!Array.isArray(choices)) return readEach([{ role: 'assistant', content }], ofChat);
  const choice = asObject(choices[0]);
  return typeof choice?.text === 'string' ? [say('model', choice.text)] : readEach([choice?.message], ofChat);
}

function readEach(values: readonly unknown[], read: ReadValue): Message[] {
  const all: Message[] = [];
  for (const value of values) {
    const one = read(value);
    if ('by' in one) all.push(one);
    else all.push(...one);
  }
  return all;
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
function ofItem(value: unknown): Message | readonly Message[] {
  const item = asObject(value);
  const type = asString(item?.type) ?? 'message';
  if (!item || type === 'reasoning') return nothing;
  if (type === 'message') return ofChat(item);
  if (type === 'function_call') return say('model', nameCall(item));
  const isAnswer = /_(?:output|response)$/.test(type);
  const content = item.output ?? item.encrypted_content ?? item.id ?? '';
  return say(isAnswer || type === 'compaction' ? 'caller' : 'model', `${type} ${textOf(content)}`, isAnswer);
}

function say(by: Message['by'], said: string, isResult = false): Message {
  return { by, isResult, text: said.trim() };
}

/** Whether a message stands for earlier ones that the client no longer sends. */
export function isSummary({ by, isResult, text }: Message): boolean {
  return by === 'caller' && !isResult && summary.test(text);
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
