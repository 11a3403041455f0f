import { asArray, asObject, type Body, parseObject } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';

/** How a model ends an answer that it has completed, in the words of several providers. Any other end is none. */
const completed: ReadonlySet<unknown> = new Set([
  ...['stop', 'eos', 'tool_calls', 'function_call'],
  ...['end_turn', 'stop_sequence', 'tool_use'],
]);

/** Audio ends with its message. So do texts of audio, which may be plain text or subtitles. */
const byMessage: ReadonlySet<OperationName> = new Set(['speech', 'transcriptions', 'translations']);

/**
 * Whether an answer is worth replaying: one that the model has completed. What a bound cut short, a filter stopped or
 * the model refused may come out well the next time.
 *
 * @param output the answer in the form of the contents store
 */
export function isWorthKeeping(operation: OperationName, output: string | Buffer | undefined): boolean {
  if (byMessage.has(operation)) return true;
  const answer = output === undefined ? null : parseObject(output.toString());
  return answer !== null && isComplete(operation, answer);
}

function isComplete(operation: OperationName, answer: Body): boolean {
  switch (operation) {
    case 'chat':
    case 'completions':
      return all(answer.choices, (choice) => completed.has(choice.finish_reason) && !isRefusal(choice.message));
    case 'responses':
      return answer.status === 'completed' && all(answer.output, (item) => !asArray(item.content).some(isRefusal));
    case 'messages':
      return completed.has(answer.stop_reason);
    case 'image_generations':
      // The provider forgets images that it only links to.
      return all(answer.data, (image) => image.url == null);
    default:
      return true;
  }
}

function all(list: unknown, isGood: (item: Body) => boolean): boolean {
  const items = asArray(list).map(asObject);
  return items.length > 0 && items.every((item) => item !== null && isGood(item));
}

/** A message of a chat, or a part of a response. */
function isRefusal(value: unknown): boolean {
  const refusal = asObject(value)?.refusal;
  return typeof refusal === 'string' && refusal !== '';
}
