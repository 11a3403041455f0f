import type { OrganizationSpec } from '../../crds/resources.generated.ts';

type Limit = NonNullable<OrganizationSpec['limits']>[number];
type Budget = NonNullable<OrganizationSpec['budgets']>[number];

/** The limits and budgets that an organization is held to, as sentences. Empty where it has none. */
export function describeRules({
  limits = [],
  budgets = [],
  tier,
}: Pick<OrganizationSpec, 'limits' | 'budgets' | 'tier'>): string[] {
  return [
    ...(tier ? [`Its tier is ${tier}.`] : []),
    ...(limits.length > 0 ? [`Limits: ${limits.map(describeLimit).join('; ')}.`] : []),
    ...(budgets.length > 0 ? [`Budgets: ${budgets.map(describeBudget).join('; ')}.`] : []),
  ];
}

function describeLimit({ name, per, requests, tokens, concurrent, action }: Limit): string {
  const bounds = [
    requests && `${count(requests.count, 'request')} in ${requests.window}`,
    tokens && `${tokens.count} ${tokens.of === 'Total' ? '' : `${tokens.of.toLowerCase()} `}tokens in ${tokens.window}`,
    concurrent !== undefined && `${count(concurrent, 'call')} at the same time`,
  ].filter((bound) => typeof bound === 'string');
  return `${name} (${bounds.join(', ')}${scope(per)}${action === 'Report' ? ', only reported' : ''})`;
}

function describeBudget({ name, per, amountUsd, window, action }: Budget): string {
  const time = window === 'Total' ? 'in total' : `a ${window.toLowerCase()}`;
  return `${name} ($${amountUsd} ${time}${scope(per)}${action === 'Warn' ? ', only warned of' : ''})`;
}

function scope(per: Limit['per']): string {
  return per === 'Organization' ? '' : ` per ${per.toLowerCase()}`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
