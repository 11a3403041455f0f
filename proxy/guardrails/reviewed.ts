import type { OperationName } from '../providers/operation-name.ts';

/** Operations whose answers people can read, and so review. */
export const reviewable: ReadonlySet<OperationName> = new Set<OperationName>([
  'responses',
  'chat',
  'completions',
  'messages',
]);

/** Whether a rule of these holds answers for people. */
export function holdsAnswers(rules: readonly { readonly action: string }[] | undefined): boolean {
  return rules?.some(({ action }) => action === 'Review') ?? false;
}
