import {
  defaultFields,
  imageFields,
  outputTokenFields,
  temperatureOperations,
  toolOperations,
} from '../../crds/asked-fields.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { type IsListed, loadModelList, whyNoModel, whyUnserved } from '../known-models.ts';
import { whyNobody, whyUnmatched } from '../limits/match.ts';
import { refusesModel } from '../model-rule.ts';
import type { Verdict } from '../runtime/conditions.ts';

type ModelsSpec = NonNullable<OrganizationSpec['models']>;
type Alias = NonNullable<ModelsSpec['aliases']>[number];
type Ceiling = NonNullable<ModelsSpec['ceilings']>[number];
type Default = NonNullable<ModelsSpec['defaults']>[number];
type JudgedSpec = Pick<OrganizationSpec, 'models' | 'providers' | 'surfaces' | 'prices' | 'insights'>;

const type = 'ModelsEffective';

/**
 * The condition about aliases, ceilings and defaults, and about models that no call can reach. Nothing else depends on
 * it: all that can act is in force. Undefined for an organization that never had any of the former, and none of the latter.
 *
 * @param namespaces the namespaces whose pods may call
 * @param hadAny whether the status has the condition
 */
export async function judgeModels(
  spec: JudgedSpec,
  namespaces: readonly string[],
  hadAny: boolean,
): Promise<Verdict | undefined> {
  const { aliases = [], ceilings = [], defaults = [], allow = [], deny = [] } = spec.models ?? {};
  const isJudged = aliases.length + ceilings.length + defaults.length > 0 || hadAny;
  const { model: drafting } = spec.insights?.responses ?? {};
  const names = isJudged || allow.length + deny.length > 0 || spec.prices !== undefined || drafting !== undefined;
  if (!names) return undefined;
  const isListed = await loadModelList();
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
  const scope = { spec, namespaces, isListed };
  const idle = [
    ...describeUncallable(spec, isListed),
    ...describeDrafting(drafting, spec, isListed),
    ...aliases.flatMap((alias) => describeNobody(alias, namespaces)),
    ...ceilings.flatMap((ceiling) =>
      describe('ceiling', ceiling, [...whyUnmatched(ceiling.match, scope), ...withoutField(ceiling)]),
    ),
    ...defaults.flatMap((entry) =>
      describe('default', entry, [...whyUnmatched(entry.match, scope), ...withoutDefault(entry)]),
    ),
  ];
  if (idle.length > 0) {
    const message = `No call can fit these parts of spec.models, spec.prices or spec.insights: ${list(idle)}. Correct or remove them.`;
    return { type: 'ModelsEffective', status: false, reason: 'ModelRuleMatchesNothing', message };
  }
  if (!isJudged) return undefined;
  return {
    type,
    status: true,
    reason: 'Effective',
    message: 'Calls can use every alias, and fit every ceiling and default.',
  };
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

/** The model that drafts responses to customers, where no call can reach it. */
function describeDrafting(model: string | undefined, spec: JudgedSpec, isListed: IsListed): string[] {
  const isAlias = spec.models?.aliases?.some(({ name }) => name === model);
  const why = model === undefined || isAlias ? undefined : whyNoModel(model, spec, isListed);
  return why === undefined ? [] : [`spec.insights.responses.model "${model}" (${why})`];
}

/** Entries of `allow`, `deny` and `spec.prices` for models that no call can reach, whatever the entries say. */
function describeUncallable(spec: JudgedSpec, isListed: IsListed): string[] {
  const { allow = [], deny = [] } = spec.models ?? {};
  const describeEach = (field: string, models: readonly string[], why: (model: string) => string | undefined) =>
    models.flatMap((model) => {
      const reason = why(model);
      return reason === undefined ? [] : [`${field} "${model}" (${reason})`];
    });
  const priced = (spec.prices ?? []).map(({ model }) => model);
  return [
    ...describeEach('allow', allow, (model) => whyNoModel(model, spec, isListed)),
    ...describeEach('deny', deny, (model) => whyUnserved(model, spec, isListed)),
    ...describeEach('prices', priced, (model) => whyNoModel(model, spec, isListed)),
  ];
}

/** Users and workloads of an alias that there are not. */
function describeNobody({ name, users, workloads }: Alias, namespaces: readonly string[]): string[] {
  return whyNobody({ ...(users && { users }), ...(workloads && { workloads }) }, namespaces).map(
    (why) => `alias ${name}, ${why}`,
  );
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
