import { credentialsOf } from '../../../operator/injection/decide.ts';
import { findAdmissionProblem } from '../../../operator/injection/obstacle.ts';
import { type CheckGroup, makeCheckFactory, ok, warning } from '../check.ts';
import type { MemberFacts } from './facts.ts';
import { isRunning, pathOf } from './pod-checks.ts';

const check = makeCheckFactory<MemberFacts>();

/** Before an upgrade as well as after it: rules come with versions, and pods are made anew at any time. */
export const memberChecks: CheckGroup<MemberFacts> = {
  name: 'chaperone-members',
  checks: [
    check({
      id: 'pods-admissible',
      description: 'every pod of a member namespace would be let in again',
      from: ['memberships', 'memberPods'],
      decide: ({ memberships, memberPods }) => {
        const credentials = credentialsOf(memberships);
        const refused = memberPods.filter(isRunning).flatMap((pod) => {
          const refusal = findAdmissionProblem(pod, credentials);
          return refusal ? [`${pathOf(pod)}: ${refusal.message} (${refusal.reason})`] : [];
        });
        if (refused.length === 0) return ok();
        return warning('Pods run that would be refused now:', {
          items: refused,
          hint: 'They go on as they are, until they are made anew: change the templates that they are of before that.',
        });
      },
    }),
  ],
};
