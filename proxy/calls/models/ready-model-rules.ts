import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { type Aliases, makeAliases } from './aliases.ts';
import { type Ceilings, makeCeilings } from './ceilings.ts';
import { type Defaults, makeDefaults } from './defaults.ts';

export type ModelsSpec = NonNullable<OrganizationSpec['models']>;

/** The compiled rules about models. */
export interface ReadyModelRules {
  readonly aliases: Aliases;
  readonly defaults: Defaults;
  readonly ceilings: Ceilings;
}

export function readyModelRules({ aliases = [], defaults = [], ceilings = [] }: ModelsSpec): ReadyModelRules {
  return { aliases: makeAliases(aliases), defaults: makeDefaults(defaults), ceilings: makeCeilings(ceilings) };
}
