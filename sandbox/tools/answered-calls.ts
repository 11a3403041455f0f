import { ProviderError } from '../provider-error.ts';
import type { Turn } from '../turns.ts';

/**
 * Checks, as OpenAI does for `messages`, that an answer follows directly after each tool call, and that there is no
 * other answer.
 *
 * @throws ProviderError 400
 */
export function requireAnsweredMessages(turns: readonly Turn[]): void {
  let calls = new Set<string>();
  let unanswered = new Set<string>();
  for (const [index, turn] of turns.entries()) {
    const callId = answeredCall(turn);
    if (callId === undefined) {
      requireNone(unanswered, `messages.[${index}].role`);
      calls = new Set(turn.calls?.map((call) => call.callId));
      unanswered = new Set(calls);
    } else if (calls.has(callId)) {
      unanswered.delete(callId);
    } else {
      const message =
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
      throw new ProviderError(message, { param: `messages.[${index}].role` });
    }
  }
  requireNone(unanswered, 'messages');
}

function requireNone(unanswered: ReadonlySet<string>, param: string): void {
  if (unanswered.size === 0) return;
  const message =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
    `The following tool_call_ids did not have response messages: ${[...unanswered].join(', ')}`;
  throw new ProviderError(message, { param });
}

/**
 * Checks that each tool call has an output, and each output a call, anywhere in the input of a response.
 *
 * @throws ProviderError 400
 */
export function requireAnsweredItems(turns: readonly Turn[]): void {
  const calls = new Set(turns.flatMap((turn) => turn.calls?.map(({ callId }) => callId) ?? []));
  const answered = new Set(turns.map(answeredCall).filter((callId) => callId !== undefined));
  for (const callId of answered) {
    if (!calls.has(callId)) throw refusal(`No tool call found for function call output with call_id ${callId}.`);
  }
  for (const callId of calls) {
    if (!answered.has(callId)) throw refusal(`No tool output found for function call ${callId}.`);
  }
}

/**
 * Checks, as Anthropic does, that the message after a tool call has its result, and that there is no other result.
 *
 * @throws ProviderError 400
 */
export function requireAnsweredBlocks(turns: readonly Turn[]): void {
  const messages = [...Map.groupBy(turns, ({ at }) => at)];
  let called: readonly string[] = [];
  for (const [at, said] of messages) {
    const answered = said.map(answeredCall).filter((callId) => callId !== undefined);
    const unknown = answered.find((callId) => !called.includes(callId));
    if (unknown !== undefined) {
      throw new ProviderError(
        `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unknown}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
        { param: `messages[${at}].content` },
      );
    }
    const missing = called.filter((callId) => !answered.includes(callId));
    if (missing.length > 0) throw unansweredBlocks(missing, at);
    called = said.flatMap((turn) => turn.calls?.map(({ callId }) => callId) ?? []);
  }
  if (called.length > 0) throw unansweredBlocks(called, messages.length);
}

function unansweredBlocks(callIds: readonly string[], at: number | undefined): ProviderError {
  const message = `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${callIds.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
  return new ProviderError(message, { param: `messages[${at}]` });
}

function answeredCall({ answers }: Turn): string | undefined {
  return answers && 'callId' in answers ? answers.callId : undefined;
}

function refusal(message: string): ProviderError {
  return new ProviderError(message, { param: 'input' });
}
