import { credentialsOf } from '../../../operator/injection/decide.ts';
import { findAdmissionProblem } from '../../../operator/injection/obstacle.ts';
import { type CheckGroup, makeCheckFactory, ok, warning } from '../check.ts';
import type { MemberFacts } from './facts.ts';
import { isRunning, pathOf } from './pod-checks.ts';

const check = makeCheckFactory<MemberFacts>();

/** Also useful before an upgrade: a new version may have new rules, and pods can be replaced at any time. */
export const memberChecks: CheckGroup<MemberFacts> = {
  name: 'chaperone-members',
  checks: [
    check({
      id: 'pods-admissible',
      description: 'a replacement of any pod in a member namespace would be accepted',
      from: ['memberships', 'memberPods'],
      decide: ({ memberships, memberPods }) => {
        const credentials = credentialsOf(memberships);
        const refused = memberPods.filter(isRunning).flatMap((pod) => {
          const refusal = findAdmissionProblem(pod, credentials);
          return refusal ? [`${pathOf(pod)}: ${refusal.message} (${refusal.reason})`] : [];
        });
        if (refused.length === 0) return ok();
        return warning('These pods run, but their replacements would be refused:', {
          items: refused,
          hint: 'They keep running until they are replaced. Change their templates before that.',
        });
      },
    }),
  ],
};
