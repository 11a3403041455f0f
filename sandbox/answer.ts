import type { Faults } from './faults.ts';
import { sampleOf } from './json-schema-sample.ts';
import type { OutputFormat } from './output-format.ts';
import type { Turn } from './turns.ts';
import { tokensOfText } from './usage.ts';

/**
 * What the sandbox says: the model, what it was instructed by whom governs it, and what the user said, so that an effect
 * on any of them can be read off the answer.
 */
export function composeAnswer(model: string, turns: readonly Turn[], words: number | undefined): string {
  const instructions = textsOf(turns, 'operator').join(' ');
  const said = textsOf(turns, 'user');
  const [before, last] = [said.at(-2), said.at(-1)];
  const text =
    `[sandbox ${model}] Instructions: ${instructions || 'none'}. You said: ${last ?? ''}` +
    (before === undefined ? '' : ` (before that: ${before})`);
  const wellFormed = text.toWellFormed();
  return words === undefined ? wellFormed : ofLength(wellFormed, words);
}

/** Puts an answer to these turns in the form that was asked for. */
export function formatAnswer(answer: string, format: OutputFormat, turns: readonly Turn[]): string {
  if (format.type === 'text') return answer;
  const said = textsOf(turns, 'user').at(-1) ?? '';
  const value = format.type === 'json_object' ? { answer } : sampleOf(format.schema, answer, said);
  return JSON.stringify(value).toWellFormed();
}

/** How many tokens of a text the call may have; half of them where it is to come to no end. */
export function limitOf(text: string, maxTokens: number, faults: Faults): number {
  return faults.incomplete ? Math.min(maxTokens, Math.floor(tokensOfText(text) / 2)) : maxTokens;
}

/** Cuts a text to what `maxTokens` allow, between characters. */
export function limitTokens(text: string, maxTokens: number): { text: string; cut: boolean } {
  if (tokensOfText(text) <= maxTokens) return { text, cut: false };
  const bytes = Buffer.from(text);
  let end = maxTokens * 4;
  while (isContinuation(bytes[end])) end -= 1;
  return { text: bytes.toString('utf8', 0, end), cut: true };
}

/** Splits a text into what a stream sends one by one: words, each with the space before it. */
export function splitDeltas(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\S)(?=\s)/);
}

function textsOf(turns: readonly Turn[], speaker: Turn['speaker']): string[] {
  return turns.filter((turn) => turn.speaker === speaker && turn.text !== '').map((turn) => turn.text);
}

function ofLength(text: string, count: number): string {
  const filler = 'and so the sandbox goes on word by word'.split(' ');
  const words = text.split(/\s+/).slice(0, count);
  while (words.length < count) words.push(filler[words.length % filler.length] ?? '');
  return words.join(' ');
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
