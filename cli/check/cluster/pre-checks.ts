import { type CheckGroup, failedIfAny, makeCheckFactory } from '../check.ts';
import { listDifferences, listUnknown } from './definition-checks.ts';
import type { PreFacts } from './facts.ts';

const check = makeCheckFactory<PreFacts>();

export const preChecks: CheckGroup<PreFacts> = {
  name: 'before-install',
  checks: [
    check({
      id: 'rights',
      description: 'you may create what the chart makes',
      from: ['missingRights'],
      decide: ({ missingRights }) =>
        failedIfAny(
          missingRights,
          'The API server would not let you create:',
          'Install as a cluster administrator, or be given these rights.',
        ),
    }),
    check({
      id: 'leftover-definitions',
      description: "no other version's CustomResourceDefinitions are left",
      from: ['expectedDefinitions', 'definitions'],
      decide: ({ expectedDefinitions, definitions }) =>
        failedIfAny(
          [...listDifferences(expectedDefinitions, definitions), ...listUnknown(expectedDefinitions, definitions)],
          'CustomResourceDefinitions of another version are installed.',
          'Bring them to this version with: kubectl apply --server-side --force-conflicts -f crds/ (deleting one deletes every object of its kind).',
          definitions.length === 0 ? 'none' : "this version's are there",
        ),
    }),
  ],
};
