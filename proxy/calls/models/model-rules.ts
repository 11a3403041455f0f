import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { ModelsSpec, ReadyModelRules } from './ready-model-rules.ts';

/** The aliases, defaults and ceilings of an organization. One without any loads nothing for them. */
export interface ModelRules {
  /** Compiles the rules, so that no call waits for it. */
  prepare(snapshot: Snapshot): void;
  /** Undefined where the organization has none; a promise only until they are loaded. */
  of(snapshot: Pick<Snapshot, 'spec'>): ReadyModelRules | undefined | Promise<ReadyModelRules>;
}

export function makeModelRules(): ModelRules {
  const known = new WeakMap<ModelsSpec, ReadyModelRules | Promise<ReadyModelRules>>();
  const load = async (spec: ModelsSpec): Promise<ReadyModelRules> => {
    const { readyModelRules } = await import('./ready-model-rules.ts');
    const ready = readyModelRules(spec);
    known.set(spec, ready);
    return ready;
  };
  const of: ModelRules['of'] = ({ spec: { models } }) => {
    if (models === undefined || !(models.aliases ?? models.defaults ?? models.ceilings)) return undefined;
    const ready = known.get(models) ?? load(models);
    if (ready instanceof Promise) known.set(models, ready);
    return ready;
  };
  return { of, prepare: (snapshot) => void of(snapshot) };
}
