import type { OrganizationSpec } from '../crds/resources.generated.ts';

/**
 * Whether a label selector matches, as Kubernetes defines it: every label and every expression must hold, and the empty
 * selector matches everything.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
 */
export function matchesSelector(
  selector: OrganizationSpec['namespaceSelector'],
  labels: Readonly<Record<string, string>> = {},
): boolean {
  const hasLabels = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return hasLabels && (selector.matchExpressions ?? []).every((requirement) => holds(requirement, labels));
}

type Requirement = NonNullable<OrganizationSpec['namespaceSelector']['matchExpressions']>[number];

function holds({ key, operator, values = [] }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
