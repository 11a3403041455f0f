import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { workloadUsersOf } from '../../crds/workload-users.ts';
import { makeMatcher } from './model-rules.ts';

/** Decides whether the workloads of a namespace may name a user. */
export type UserRule = (namespace: string, user: string) => boolean;

/** @returns undefined: every workload may name every user */
export function makeUserRule(spec: OrganizationSpec): UserRule | undefined {
  if (!spec.authentication?.workloadUsers) return undefined;
  // By namespace, when the first workload of it calls: there are as many as the organization has members.
  const matchers = new Map<string, (user: string) => boolean>();
  return (namespace, user) => {
    const known = matchers.get(namespace);
    if (known) return known(user);
    const matches = makeMatcher(workloadUsersOf(spec, namespace) ?? []);
    matchers.set(namespace, matches);
    return matches(user);
  };
}
