/**
 * The name of a rule of limits or budgets in the database: `limits/NAME`, `budgets/NAME`, `tier/Organization` and the
 * like, and for a rule of an ApiKeyBinding `NAMESPACE/BINDING/limits/NAME`.
 *
 * @param binding `namespace/name` of the ApiKeyBinding. Undefined: a rule of the Organization
 */
export function quotaRuleName(kind: 'limits' | 'budgets' | 'tier', name: string, binding?: string): string {
  return binding === undefined ? `${kind}/${name}` : `${binding}/${kind}/${name}`;
}
