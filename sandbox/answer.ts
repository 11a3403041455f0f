import { asksForCitations, groundedAnswer } from './grounded-answer.ts';
import { sampleOf } from './json-schema-sample.ts';
import type { OutputFormat } from './output-format.ts';
import type { Turn } from './turns.ts';
import { tokensOfText } from './usage.ts';

/**
 * Composes the sandbox's answer: the model, the instructions, the user's message, and the outputs of tools. So a test
 * can see any change to them in the answer.
 */
export function composeAnswer(model: string, turns: readonly Turn[], words: number | undefined): string {
  const instructions = textsOf(turns, 'operator').join(' ');
  const said = textsOf(turns, 'user');
  const [before, last] = [said.at(-2), said.at(-1)];
  const text =
    `[sandbox ${model}] Instructions: ${instructions || 'none'}. You said: ${last ?? ''}` +
    (before === undefined ? '' : ` (before that: ${before})`) +
    toolAnswers(turns);
  const wellFormed = text.toWellFormed();
  return words === undefined ? wellFormed : ofLength(wellFormed, words);
}

/** Formats an answer in the requested output format. */
export function formatAnswer(answer: string, format: OutputFormat, turns: readonly Turn[]): string {
  if (format.type === 'text') return answer;
  if (format.type === 'json_schema' && asksForCitations(format.schema)) {
    return JSON.stringify(groundedAnswer(format.schema, turns)).toWellFormed();
  }
  const said = textsOf(turns, 'user').at(-1) ?? '';
  const value = format.type === 'json_object' ? { answer } : sampleOf(format.schema, answer, said);
  return JSON.stringify(value).toWellFormed();
}

/** Cuts a text to `maxTokens`, between characters. */
export function limitTokens(text: string, maxTokens: number): { text: string; cut: boolean } {
  return tokensOfText(text) <= maxTokens ? { text, cut: false } : { text: firstBytes(text, maxTokens * 4), cut: true };
}

/** The longest prefix of whole characters that fits into `limit` bytes of UTF-8. */
export function firstBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  let end = limit;
  while (isContinuation(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** Splits a text into the deltas of a stream: words, each with the space before it. */
export function splitDeltas(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\S)(?=\s)/);
}

/** Splits JSON into the deltas of a stream: runs of letters and digits, and the characters between them. */
export function splitJson(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=[\p{L}\p{N}])(?=[^\p{L}\p{N}])|(?<=[^\p{L}\p{N}])(?=[\p{L}\p{N}])/u);
}

/** The outputs of tools since the user's last message. */
function toolAnswers(turns: readonly Turn[]): string {
  const names = new Map(turns.flatMap(({ calls = [] }) => calls.map(({ callId, name }) => [callId, name])));
  const sinceUser = turns.slice(turns.findLastIndex(({ speaker }) => speaker === 'user') + 1);
  return sinceUser
    .filter(({ speaker }) => speaker === 'tool')
    .map(({ text, answers }) => {
      const name = answers && ('name' in answers ? answers.name : names.get(answers.callId));
      return ` ${name ?? 'The tool'} answered: ${text}`;
    })
    .join('');
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
