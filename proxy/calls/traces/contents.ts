import type { Attributes } from '../../../traces/span.ts';
import { type Message, readAnswer, readMessages } from '../../conversations/messages.ts';
import { parseObject } from '../../providers/json.ts';
import type { TracedCall } from './call-trace.ts';

/** Of the newest messages of a side. Collectors refuse large spans. */
const maxLength = 32_768;

/**
 * What was said, as guardrails have left it, without instructions and personas. Only operations with messages have any.
 *
 * @param output the answer, as the contents store keeps it
 */
export function contentAttributes(call: TracedCall, output: string | Buffer | undefined): Attributes {
  const request = parseObject(call.input().toString());
  const answer = output === undefined ? null : parseObject(output.toString());
  return {
    'gen_ai.input.messages': request ? write(readMessages(call.operation, request)) : undefined,
    'gen_ai.output.messages': answer ? write(readAnswer(answer)) : undefined,
  };
}

/** In the form of the conventions; the oldest messages give way. */
function write(messages: readonly Message[]): string | undefined {
  let room = maxLength;
  const shown: object[] = [];
  for (const { by, isResult, text } of messages.toReversed()) {
    if (text === '') continue;
    if (room <= 0) break;
    const content = text.length <= room ? text : `${text.slice(0, room).toWellFormed()}…`;
    room -= content.length;
    shown.unshift({ role: roleOf(by, isResult), parts: [{ type: 'text', content }] });
  }
  return shown.length === 0 ? undefined : JSON.stringify(shown);
}

function roleOf(by: Message['by'], isResult: boolean): string {
  if (isResult) return 'tool';
  return by === 'model' ? 'assistant' : 'user';
}
