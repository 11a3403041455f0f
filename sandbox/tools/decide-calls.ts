import { argumentsOf } from '../json-schema-sample.ts';
import type { Turn } from '../turns.ts';
import { matchTools } from './match.ts';
import { saidValues } from './said-values.ts';
import type { Tool, ToolCall, ToolUse } from './tool.ts';

/** Only this many characters of a message are read. */
const maxLength = 4_000;

/**
 * Decides the tool calls that answer a prompt. There are none where a text answers it. With a free choice, it calls the
 * tools that the user's last message matches, and none after a tool has answered that message.
 *
 * @throws ProviderError 400 where no value satisfies a tool's schema
 */
export function decideCalls({ tools, mode, parallel }: ToolUse, turns: readonly Turn[]): ToolCall[] {
  const last = turns.findLast(({ speaker }) => speaker === 'user' || speaker === 'tool');
  if (mode === 'none' || (mode === 'auto' && last?.speaker !== 'user')) return [];
  const message = turns.findLast(({ speaker }) => speaker === 'user')?.text ?? '';
  const said = message.slice(0, maxLength).toWellFormed();
  const matching = matchTools(tools, said);
  const chosen = mode === 'required' && matching.length === 0 ? tools.slice(0, 1) : matching;
  return chosen.slice(0, parallel ? chosen.length : 1).map((tool) => callOf(tool, said));
}

function callOf({ kind, name, parameters }: Tool, said: string): ToolCall {
  if (kind === 'custom') return { kind, name, input: said };
  const value = parameters === null ? {} : argumentsOf(parameters, said, saidValues(said));
  return { kind, name, input: JSON.stringify(value).toWellFormed() };
}
