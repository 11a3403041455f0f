import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { type CallFacts, type FitsCall, makeCallMatch } from '../../snapshot/call-match.ts';
import type { OptimizationLevel } from '../identify/optimization-level.ts';

export type AliasSpec = NonNullable<NonNullable<OrganizationSpec['models']>['aliases']>[number];

/** Who asks, and for which level. */
export interface AliasAsker extends Pick<CallFacts, 'user' | 'workload'> {
  readonly level: OptimizationLevel | undefined;
}

/** The names that stand for models. */
export interface Aliases {
  /** The model that a name stands for. Undefined: for this caller it is no alias. */
  resolve(name: string, asker: AliasAsker): string | undefined;
  /** The names that there are for this caller, with their models. */
  namesFor(asker: AliasAsker): ReadonlyMap<string, string>;
  /** The entries that apply to this caller, one for each name, with the models that they stand for. */
  entriesFor(asker: AliasAsker): readonly AppliedAlias[];
}

export interface AppliedAlias {
  readonly spec: AliasSpec;
  readonly model: string;
}

interface Entry {
  readonly spec: AliasSpec;
  readonly fits: FitsCall;
}

/** Where the entry is that applies, and which of its fields. Undefined: for this caller the name is no alias. */
export function findAliasField(specs: readonly AliasSpec[], name: string, asker: AliasAsker): string | undefined {
  const at = specs.findIndex((spec) => spec.name === name && makeAliases([spec]).resolve(name, asker) !== undefined);
  const { level } = asker;
  if (at === -1) return undefined;
  return level !== undefined && specs[at]?.levels?.[level] ? `[${at}].levels.${level}` : `[${at}].model`;
}

/** Compiles aliases. Do it once per configuration. */
export function makeAliases(specs: readonly AliasSpec[]): Aliases {
  const byName = Map.groupBy(
    specs.map((spec): Entry => {
      const { users, workloads } = spec;
      return { spec, fits: makeCallMatch({ ...(users && { users }), ...(workloads && { workloads }) }) };
    }),
    ({ spec }) => spec.name,
  );
  const find = (name: string, asker: AliasAsker): AppliedAlias | undefined => {
    const found = byName.get(name)?.find(({ fits }) => fits({ ...asker, model: undefined, operation: '' }));
    return found && { spec: found.spec, model: modelOf(found.spec, asker.level) };
  };
  const entriesFor = (asker: AliasAsker) => [...byName.keys()].flatMap((name) => find(name, asker) ?? []);
  return {
    resolve: (name, asker) => find(name, asker)?.model,
    namesFor: (asker) => new Map(entriesFor(asker).map(({ spec, model }) => [spec.name, model])),
    entriesFor,
  };
}

function modelOf({ model, levels }: AliasSpec, level: OptimizationLevel | undefined): string {
  return (level === undefined ? undefined : levels?.[level]) ?? model;
}
