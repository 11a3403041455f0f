import { crc32 } from 'node:zlib';
import type { Message } from './messages.ts';

/** The messages of a call by what they say about its place in a conversation. */
export interface Split {
  /** What the conversation began with: everything up to the model's first answer. */
  readonly first: readonly Message[];
  /** What followed, up to the model's last answer. */
  readonly history: readonly Message[];
  /** The model's last answer. Empty: the call continues no other one. */
  readonly reply: readonly Message[];
  /** What the caller says now. */
  readonly fresh: readonly Message[];
}

/**
 * Splits the messages of a call. A beginning of the answer at the end of them (a prefill) is not counted: it is part of
 * what the model is to say. Nor is a greeting of the model at their beginning an answer.
 */
export function splitMessages(all: readonly Message[]): Split {
  const end = all.findLastIndex(isOfCaller) + 1;
  const begin = all.findIndex(isOfCaller);
  if (end === 0) return { first: all, history: none, reply: none, fresh: all };
  let firstEnd = begin;
  while (firstEnd < end && isOfCaller(all[firstEnd])) firstEnd += 1;
  if (firstEnd === end) {
    const first = all.slice(0, end);
    return { first, history: none, reply: none, fresh: first };
  }
  let freshStart = end;
  while (isOfCaller(all[freshStart - 1])) freshStart -= 1;
  let replyStart = freshStart;
  while (replyStart > firstEnd && !isOfCaller(all[replyStart - 1])) replyStart -= 1;
  return {
    first: all.slice(0, firstEnd),
    history: all.slice(firstEnd, replyStart),
    reply: all.slice(replyStart, freshStart),
    fresh: all.slice(freshStart, end),
  };
}

/** What a call adds to the one before it: an answer of the model, and what the caller says to it. */
export type Turn = Pick<Split, 'reply' | 'fresh'>;

/** Splits the messages that follow those of an earlier call. Undefined: they are more or less than one turn. */
export function nextTurn(all: readonly Message[]): Turn | undefined {
  const freshStart = all.findIndex(isOfCaller);
  if (freshStart < 1) return undefined;
  const fresh = all.slice(freshStart);
  return fresh.every(isOfCaller) ? { reply: all.slice(0, freshStart), fresh } : undefined;
}

/** The turns of a history: each is an answer of the model with what the caller said to it. */
export function turnsOf(history: readonly Message[]): Message[][] {
  const turns: Message[][] = [];
  let start = 0;
  for (let at = 1; at <= history.length; at += 1) {
    const begins = at === history.length || (!isOfCaller(history[at]) && isOfCaller(history[at - 1]));
    if (!begins) continue;
    turns.push(history.slice(start, at));
    start = at;
  }
  return turns;
}

const none: readonly Message[] = [];

function isOfCaller(message: Message | undefined): boolean {
  return message?.by === 'caller';
}

/**
 * A message that is longer is known by its length, its beginning, its end and a checksum of all of it, once the call that said
 * it is over.
 */
const briefLength = 512;
/** A longer one is always known so. */
const wholeLength = 16_384;

/** A text that stands for messages, of a length that does not depend on theirs. Other messages have another text. */
export function briefOf(messages: readonly Message[]): string {
  return write(messages, briefLength);
}

/** A text that has the whole messages, with a checksum in place of the middle of very long ones. */
export function wholeOf(messages: readonly Message[]): string {
  return write(messages, wholeLength);
}

function write(messages: readonly Message[], most: number): string {
  let text = '';
  for (const { by, text: said } of inOrder(messages)) {
    text += `${by === 'caller' ? '>' : '<'}${said.length}:${said.length <= most ? said : excerpt(said, most)}`;
  }
  return text;
}

/** The results of one round of tools, in an order of their own. */
function inOrder(messages: readonly Message[]): readonly Message[] {
  let results = 0;
  for (const { isResult } of messages) if (isResult) results += 1;
  if (results < 2) return messages;
  const ordered = [...messages];
  for (let start = 0; start < ordered.length; start += 1) {
    let end = start;
    while (ordered[end]?.isResult) end += 1;
    if (end - start < 2) continue;
    const round = ordered.slice(start, end).sort((one, other) => (one.text < other.text ? -1 : 1));
    ordered.splice(start, round.length, ...round);
    start = end;
  }
  return ordered;
}

const checksumLength = 8;

/** The beginning and the end of a text, and a checksum of all of it in place of what is between. */
function excerpt(text: string, most: number): string {
  const side = Math.floor((most - checksumLength) / 2);
  const checksum = crc32(text).toString(16).padStart(checksumLength, '0');
  return text.slice(0, side) + checksum + text.slice(-side);
}
