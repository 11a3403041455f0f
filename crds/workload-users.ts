import type { OrganizationSpec } from './resources.generated.ts';

/**
 * Which users the workloads of a namespace may name in their calls, as patterns in which `*` stands for any characters.
 *
 * @returns undefined: every user
 */
export function workloadUsersOf(
  { authentication }: Pick<OrganizationSpec, 'authentication'>,
  namespace: string,
): readonly string[] | undefined {
  return authentication?.workloadUsers?.map((pattern) => pattern.replaceAll('{namespace}', namespace));
}
