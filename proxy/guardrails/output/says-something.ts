import { asArray, type Body } from '../../providers/json.ts';
import type { OperationName } from '../../providers/operation-name.ts';

/** Where an answer has what it says. */
const contentFields: Partial<Readonly<Record<OperationName, string>>> = {
  responses: 'output',
  chat: 'choices',
  completions: 'choices',
  messages: 'content',
};

/** Whether an answer has an end, and says something that people could review. */
export function saysSomething(operation: OperationName, answer: Body): boolean {
  const { status } = answer;
  if (operation === 'responses' && (status === 'queued' || status === 'in_progress')) return false;
  return asArray(answer[contentFields[operation] ?? '']).length > 0;
}
