import { type CheckGroup, failed, failedIfAny, makeCheckFactory, ok, warning } from '../check.ts';
import { listDifferences, listUnknown } from './definition-checks.ts';
import type { ImageAnswer, PreFacts } from './facts.ts';

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
      id: 'images',
      description: "the cluster's nodes have the images, or can pull them",
      from: ['images'],
      decide: ({ images }) => {
        const refused = images.filter(({ pull }) => pull !== undefined && pull !== 'pulled');
        if (refused.length > 0) {
          return failed('A node could not get:', {
            items: refused.map(({ image, pull }) => `${image}: ${typeof pull === 'object' ? pull.reason : ''}`),
            hint: 'Push the image to a registry that nodes can pull from, and name it by image.repository and image.tag; where the registry asks for a login, name a Secret by --image-pull-secrets, and in the chart by imagePullSecrets.',
          });
        }
        const unknown = images.filter((answer) => !isThere(answer));
        if (unknown.length === 0) return ok(images.map(describeImage).join(', '));
        return warning('Whether nodes can pull an image was not tried, and not every node says that it has it:', {
          items: unknown.map(describeImage),
          hint: 'Name your own by --image (the chart takes it by image.repository and image.tag), and try it with --pull-images, which makes a pod for each for a moment.',
        });
      },
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

function isThere({ pull, nodes, present }: ImageAnswer): boolean {
  return pull === 'pulled' || (nodes > 0 && present === nodes);
}

function describeImage({ image, pull, nodes, present }: ImageAnswer): string {
  if (pull === 'pulled') return `${image}: a node has it`;
  return `${image}: on ${present} of ${nodes} node${nodes === 1 ? '' : 's'}`;
}
