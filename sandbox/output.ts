import { composeAnswer, firstBytes, formatAnswer, limitTokens } from './answer.ts';
import type { Faults } from './faults.ts';
import type { OutputFormat } from './output-format.ts';
import { decideCalls } from './tools/decide-calls.ts';
import type { ToolCall, ToolUse } from './tools/tool.ts';
import type { Turn } from './turns.ts';
import { tokensOfBytes, tokensOfText } from './usage.ts';

/** A model's output, within its token limit: a text, or tool calls. */
export interface Output {
  text: string;
  calls: ToolCall[];
  tokens: number;
  /** Whether the limit cut the output. */
  cut: boolean;
  /** The stop sequence that ended it. Absent: none did. */
  stoppedBy?: string;
}

export interface Question {
  model: string;
  turns: readonly Turn[];
  toolUse: ToolUse;
  format: OutputFormat;
  /** Infinite where there is no limit. */
  maxTokens: number;
  /** Texts before which the output ends. Absent: none. */
  stop?: readonly string[];
}

/** @throws ProviderError 400 where no value satisfies a schema */
export function composeOutput(question: Question, faults: Faults): Output {
  const { model, turns, toolUse, format, maxTokens, stop = [] } = question;
  const calls = decideCalls(toolUse, turns);
  if (calls.length > 0) return limitCalls(calls, limitOf(tokensOfCalls(calls), maxTokens, faults));
  const answer = formatAnswer(composeAnswer(model, turns, faults.words), format, turns);
  const { text, stoppedBy } = stopAt(answer, stop);
  const output = textOutput(text, maxTokens, faults);
  return output.cut || stoppedBy === undefined ? output : { ...output, stoppedBy };
}

/** Ends a text before the first of the stop sequences in it. */
function stopAt(answer: string, stop: readonly string[]): { text: string; stoppedBy?: string } {
  const found = stop.filter((one) => answer.includes(one)).sort((a, b) => answer.indexOf(a) - answer.indexOf(b));
  const [stoppedBy] = found;
  return stoppedBy === undefined ? { text: answer } : { text: answer.slice(0, answer.indexOf(stoppedBy)), stoppedBy };
}

export function textOutput(text: string, maxTokens: number, faults: Faults): Output {
  const limited = limitTokens(text, limitOf(tokensOfText(text), maxTokens, faults));
  return { ...limited, calls: [], tokens: tokensOfText(limited.text) };
}

/** How many tokens an output may have. With the fault `incomplete`: half of its tokens. */
function limitOf(tokens: number, maxTokens: number, faults: Faults): number {
  return faults.incomplete ? Math.min(maxTokens, Math.floor(tokens / 2)) : maxTokens;
}

/** Cuts calls to `maxTokens`. The last call may be cut in its arguments. */
export function limitCalls(calls: readonly ToolCall[], maxTokens: number): Output {
  const cut = tokensOfCalls(calls) > maxTokens;
  const kept: ToolCall[] = [];
  let left = maxTokens * 4;
  for (const call of calls) {
    left -= Buffer.byteLength(call.name);
    if (left < 0) break;
    const input = firstBytes(call.input, left);
    left -= Buffer.byteLength(input);
    kept.push({ ...call, input });
    if (input !== call.input) break;
  }
  return { text: '', calls: kept, tokens: tokensOfCalls(kept), cut };
}

/** A call is billed by the tool's name and its arguments. */
function tokensOfCalls(calls: readonly ToolCall[]): number {
  return tokensOfBytes(calls.reduce((bytes, { name, input }) => bytes + Buffer.byteLength(name + input), 0));
}
