import type { ApiKeyBindingSpec } from './resources.generated.ts';

/** What an ApiKeyBinding limits: the calls that use its key. It applies beside the Organization's rules. */
export type BindingRules = Pick<ApiKeyBindingSpec, 'limits' | 'budgets' | 'tier'>;

/** The limits, budgets and tier of a binding. Null where it states none. */
export function bindingRulesOf({ limits = [], budgets = [], tier }: BindingRules): BindingRules | null {
  if (limits.length === 0 && budgets.length === 0 && tier === undefined) return null;
  return {
    ...(limits.length > 0 && { limits }),
    ...(budgets.length > 0 && { budgets }),
    ...(tier !== undefined && { tier }),
  };
}
