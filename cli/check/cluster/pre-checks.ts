import { type CheckGroup, failed, failedIfAny, makeCheckFactory, ok, warning } from '../check.ts';
import { listDifferences, listUnknown } from './definition-checks.ts';
import type { ImageAnswer, PreFacts } from './facts.ts';

const check = makeCheckFactory<PreFacts>();

export const preChecks: CheckGroup<PreFacts> = {
  name: 'before-install',
  checks: [
    check({
      id: 'rights',
      description: 'you may create the objects of the chart',
      from: ['missingRights'],
      decide: ({ missingRights }) =>
        failedIfAny(
          missingRights,
          'You may not create:',
          'Install as a cluster administrator, or ask for these rights.',
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
            hint: 'Push the image to a registry that nodes can pull from, and set image.repository and image.tag. If the registry needs a login, name a Secret with --image-pull-secrets, and in the chart with imagePullSecrets.',
          });
        }
        const unknown = images.filter((answer) => !isThere(answer));
        if (unknown.length === 0) return ok(images.map(describeImage).join(', '));
        return warning('It is unknown whether every node can get these images:', {
          items: unknown.map(describeImage),
          hint: 'Name your images with --image (in the chart: image.repository and image.tag), and add --pull-images, which pulls each with a pod that is deleted at once.',
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
          'There are CustomResourceDefinitions of another version.',
          'Update them: kubectl apply --server-side --force-conflicts -f crds/. Do not delete them: every object of their kind would be deleted, too.',
          definitions.length === 0 ? 'none' : 'only those of this version',
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
