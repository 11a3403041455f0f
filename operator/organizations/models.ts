import {
  defaultFields,
  imageFields,
  outputTokenFields,
  temperatureOperations,
  toolOperations,
} from '../../crds/asked-fields.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { whyNoWorkload, whyUnmatched } from '../limits/match.ts';
import { refusesModel } from '../model-rule.ts';
import { matchesPattern } from '../patterns.ts';
import type { Verdict } from '../runtime/conditions.ts';

type ModelsSpec = NonNullable<OrganizationSpec['models']>;
type Alias = NonNullable<ModelsSpec['aliases']>[number];
type Ceiling = NonNullable<ModelsSpec['ceilings']>[number];
type Default = NonNullable<ModelsSpec['defaults']>[number];
type JudgedSpec = Pick<OrganizationSpec, 'models' | 'providers' | 'surfaces' | 'prices'>;

const type = 'ModelsEffective';

/**
 * The condition about aliases, ceilings and defaults. Nothing else depends on it: all that can act is in force. Undefined
 * for an organization that never had any.
 *
 * @param namespaces the namespaces whose pods may call
 * @param hadAny whether the status has the condition
 */
export async function judgeModels(
  spec: JudgedSpec,
  namespaces: readonly string[],
  hadAny: boolean,
): Promise<Verdict | undefined> {
  const { aliases = [], ceilings = [], defaults = [] } = spec.models ?? {};
  if (aliases.length + ceilings.length + defaults.length === 0 && !hadAny) return undefined;
  const isListed = aliases.length > 0 ? await loadPriceList() : () => false;
  const unusable = aliases.flatMap((alias) => describeUnusable(alias, spec, isListed));
  if (unusable.length > 0) {
    const message = `No call by these aliases can be served: ${list(unusable)}. Correct spec.models.aliases.`;
    return { type: 'ModelsEffective', status: false, reason: 'AliasWithoutModel', message };
  }
  const unclear = aliases.flatMap((alias, at) => describeUnclear(alias, at, spec, isListed));
  if (unclear.length > 0) {
    const message = `These aliases do not do what they may seem to: ${list(unclear)}.`;
    return { type: 'ModelsEffective', status: false, reason: 'AliasAmbiguous', message };
  }
  const scope = { spec, namespaces };
  const idle = [
    ...aliases.flatMap((alias) => describeNobody(alias, namespaces)),
    ...ceilings.flatMap((ceiling) =>
      describe('ceiling', ceiling, [...whyUnmatched(ceiling.match, scope), ...withoutField(ceiling)]),
    ),
    ...defaults.flatMap((entry) =>
      describe('default', entry, [...whyUnmatched(entry.match, scope), ...withoutDefault(entry)]),
    ),
  ];
  if (idle.length > 0) {
    const message = `No call can fit these parts of spec.models: ${list(idle)}. Correct or remove them.`;
    return { type: 'ModelsEffective', status: false, reason: 'ModelRuleMatchesNothing', message };
  }
  return {
    type,
    status: true,
    reason: 'Effective',
    message: 'Calls can use every alias, and fit every ceiling and default.',
  };
}

type IsListed = (model: string) => boolean;

/** The price list is part of the proxy, and is loaded where an organization has aliases. */
async function loadPriceList(): Promise<IsListed> {
  const { isPricedModel } = await import('../../proxy/prices/price.ts');
  return isPricedModel;
}

function targetsOf({ model, levels = {} }: Alias): string[] {
  return [...new Set([model, ...Object.values(levels)])];
}

/** Why models that an alias stands for cannot be called. */
function describeUnusable(alias: Alias, spec: JudgedSpec, isListed: IsListed): string[] {
  return targetsOf(alias).flatMap((model) => {
    const why = whyNoModel(model, spec, isListed);
    return why === undefined ? [] : [`"${alias.name}" (${model}: ${why})`];
  });
}

function whyNoModel(model: string, spec: JudgedSpec, isListed: IsListed): string | undefined {
  if (refusesModel(spec, model)) return 'spec.models does not allow it';
  const serving = spec.providers.filter(
    ({ models }) => !models || models.some(({ name }) => matchesPattern(name, model)),
  );
  if (serving.length === 0) return 'no provider serves it';
  // Only of the vendors themselves is it known which models they have; fine-tuned ones are the organization's own.
  const mayHaveOthers = serving.some(({ type: api }) => api !== 'openai' && api !== 'anthropic');
  const isNamed = serving.some(({ models }) => models?.some(({ name }) => name === model));
  const hasPrice = spec.prices?.some((price) => price.model === model) === true;
  if (mayHaveOthers || isNamed || hasPrice || model.startsWith('ft:') || isListed(model)) return undefined;
  return 'neither the price list nor spec.prices nor a provider names it';
}

/** Aliases that are hidden by others, or hide a model. */
function describeUnclear(alias: Alias, at: number, spec: JudgedSpec, isListed: IsListed): string[] {
  const { aliases = [] } = spec.models ?? {};
  const { name } = alias;
  const hidden = aliases.slice(0, at).some((earlier) => earlier.name === name && !earlier.users && !earlier.workloads);
  const chained = targetsOf(alias).filter((model) => model !== name && aliases.some((other) => other.name === model));
  const isModel = isListed(name) || spec.providers.some(({ models }) => models?.some((model) => model.name === name));
  const hides = isModel && !targetsOf(alias).includes(name) && !refusesModel(spec, name);
  return [
    ...(hidden ? [`"${name}" (an earlier entry of this name is for everyone)`] : []),
    ...chained.map((model) => `"${name}" ("${model}" is an alias itself, and names are replaced once: name its model)`),
    ...(hides
      ? [`"${name}" (a model has this name, which calls cannot reach now: deny that model, or rename the alias)`]
      : []),
  ];
}

function describeNobody({ name, workloads = [] }: Alias, namespaces: readonly string[]): string[] {
  const why = workloads.map((workload) => whyNoWorkload(workload, namespaces));
  return why.length > 0 && why.every((one) => one !== undefined) ? [`alias ${name} (${why.join('; ')})`] : [];
}

function describe(kind: string, { name }: { readonly name: string }, why: readonly string[]): string[] {
  return why.map((one) => `${kind} ${name}, ${one}`);
}

/** Fields of a ceiling that none of its operations has. */
function withoutField({ match, maxOutputTokens, maxTemperature, imageDetail, tools }: Ceiling): string[] {
  const bounded: readonly (readonly [field: string, value: unknown, operations: readonly string[]])[] = [
    ['maxOutputTokens', maxOutputTokens, operationsWith(outputTokenFields)],
    ['maxTemperature', maxTemperature, temperatureOperations],
    ['imageDetail', imageDetail, Object.keys(imageFields)],
    ['tools', tools, toolOperations],
  ];
  return bounded.flatMap(([field, value, having]) =>
    value === undefined ? [] : lacking(field, match?.operations, having),
  );
}

function withoutDefault({ match, name: _, ...stated }: Default): string[] {
  return Object.entries(defaultFields).flatMap(([field, places]) =>
    field in stated ? lacking(field, match?.operations, Object.keys(places)) : [],
  );
}

function operationsWith(fields: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.keys(fields).filter((operation) => fields[operation]?.length);
}

function lacking(field: string, operations: readonly string[] | undefined, having: readonly string[]): string[] {
  if (!operations || operations.some((operation) => having.includes(operation))) return [];
  return [`${field} (only ${having.join(', ')} have it)`];
}

/** A condition names only the first ones. */
const mostNamed = 10;

function list(parts: readonly string[]): string {
  const more = parts.length > mostNamed ? ` and ${parts.length - mostNamed} more` : '';
  return `${parts.slice(0, mostNamed).join('; ')}${more}`;
}
