import { type CheckGroup, failedIfAny, makeCheckFactory } from '../check.ts';
import { findDifference } from './difference.ts';
import type { DefinitionFacts } from './facts.ts';
import type { CustomResourceDefinition } from './objects.ts';

const check = makeCheckFactory<DefinitionFacts>();

export const definitionChecks: CheckGroup<DefinitionFacts> = {
  name: 'chaperone-crds',
  checks: [
    check({
      id: 'definitions-established',
      description: 'the CustomResourceDefinitions are established',
      isFatal: true,
      from: ['expectedDefinitions', 'definitions'],
      decide: ({ expectedDefinitions, definitions }) =>
        failedIfAny(
          expectedDefinitions.flatMap(({ metadata: { name } }) => {
            const installed = definitions.find(({ metadata }) => metadata.name === name);
            if (!installed) return `${name} is not installed`;
            if (installed.metadata.deletionTimestamp) return `${name} is being deleted, with every object of its kind`;
            return isEstablished(installed) ? [] : `${name} is not served yet`;
          }),
          'Not every kind is served.',
          'Install the chart (with crds.install), or run: kubectl apply --server-side -f crds/',
        ),
    }),
    check({
      id: 'definitions-current',
      description: "the CustomResourceDefinitions are this version's",
      from: ['expectedDefinitions', 'definitions'],
      decide: ({ expectedDefinitions, definitions }) =>
        failedIfAny(
          listDifferences(expectedDefinitions, definitions),
          'CustomResourceDefinitions differ from those of this version.',
          'Upgrade the chart, or run: kubectl apply --server-side --force-conflicts -f crds/. Or check with the version that is installed.',
        ),
    }),
  ],
};

function isEstablished({ status }: CustomResourceDefinition): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') ?? false
  );
}

/** Each installed definition that differs from the expected one. */
export function listDifferences(
  expected: readonly CustomResourceDefinition[],
  installed: readonly CustomResourceDefinition[],
): string[] {
  return expected.flatMap(({ metadata: { name }, spec }) => {
    const there = installed.find(({ metadata }) => metadata.name === name);
    const difference = there && findDifference(normalize(spec), normalize(there.spec), 'spec');
    return difference === undefined ? [] : `${name}: ${difference}`;
  });
}

/** Each installed definition that this version does not have. */
export function listUnknown(
  expected: readonly CustomResourceDefinition[],
  installed: readonly CustomResourceDefinition[],
): string[] {
  const names = expected.map(({ metadata }) => metadata.name);
  return installed.flatMap(({ metadata: { name } }) => (names.includes(name) ? [] : `${name}: not of this version`));
}

/** A definition without the fields that API servers add, or that those before 1.31 drop. */
function normalize(spec: object): object {
  const { conversion, versions, ...rest } = { conversion: undefined, versions: [], ...spec };
  return { ...rest, versions: versions.map(({ selectableFields, ...version }: Record<string, unknown>) => version) };
}
