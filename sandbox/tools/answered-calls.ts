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

function answeredCall({ answers }: Turn): string | undefined {
  return answers && 'callId' in answers ? answers.callId : undefined;
}

function refusal(message: string): ProviderError {
  return new ProviderError(message, { param: 'input' });
}
