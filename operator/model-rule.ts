import type { Organization, OrganizationSpec } from '../crds/resources.generated.ts';
import { matchesPattern } from './patterns.ts';
import type { Verdict } from './runtime/conditions.ts';

/** Whether an Organization allows none of the models that a name, or a pattern with `*`, stands for: what proxies refuse. */
export function refusesModel({ models }: Pick<OrganizationSpec, 'models'>, model: string): boolean {
  // Of a pattern it is enough that it may stand for a model that is allowed.
  if (model.includes('*')) return false;
  const matches = (pattern: string) => matchesPattern(pattern, model);
  return models?.deny?.some(matches) === true || models?.allow?.some(matches) === false;
}

/** As `refusesModel`, of a name that may be an alias, which is replaced before anything looks at the model. */
export function refusesNamed({ models }: Pick<OrganizationSpec, 'models'>, name: string): boolean {
  const meant = (models?.aliases ?? []).filter((alias) => alias.name === name);
  const targets = meant.flatMap(({ model, levels = {} }) => [model, ...Object.values(levels)]);
  return (targets.length === 0 ? [name] : targets).every((model) => refusesModel({ ...(models && { models }) }, model));
}

/** Whether calls by this name never ask for a model of this name. */
export function isOnlyAlias({ models }: Pick<OrganizationSpec, 'models'>, name: string): boolean {
  const meant = (models?.aliases ?? []).filter((alias) => alias.name === name);
  const isForAll = meant.some(({ users, workloads }) => !users && !workloads);
  return isForAll && !meant.some(({ model, levels = {} }) => [model, ...Object.values(levels)].includes(name));
}

/** The verdict on a resource whose own model is refused. @param effect what that means, without a full stop */
export function modelRefused(field: string, model: string, { metadata }: Organization, effect: string): Verdict {
  return {
    type: 'Ready',
    status: false,
    reason: 'ModelNotAllowed',
    message: `${effect}, since Organization "${metadata.name}" does not allow the model "${model}". Correct ${field}, or add the model to the Organization's spec.models.`,
  };
}
