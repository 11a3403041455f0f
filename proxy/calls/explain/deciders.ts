import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { makeMatcher } from '../../snapshot/model-rules.ts';
import type { Persona, RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { Caller } from '../call.ts';
import { findAliasField } from '../models/aliases.ts';
import type { Rule } from '../reserve/rules.ts';
import { keysOf } from '../route/route.ts';
import type { Origin } from '../settle/record.ts';
import type { Decider } from './explanation.ts';

type Named = readonly { readonly name: string }[];

export function ofOrganization({ organizationName }: Pick<Snapshot, 'organizationName'>, field: string): Decider {
  return { resource: `Organization/${organizationName}`, field };
}

export function ofBinding({ binding }: Pick<RoutedKey, 'binding'>, field: string | null = null): Decider {
  return { resource: `ApiKeyBinding/${binding}`, field };
}

/** The entries of `spec.models` that allow or refuse a model. Empty: nothing restricts models. */
export function modelDeciders(snapshot: Snapshot, model: string): Decider[] {
  const { allow, deny = [] } = snapshot.spec.models ?? {};
  const denying = entryOf(deny, model);
  if (denying !== -1) return [ofOrganization(snapshot, `spec.models.deny[${denying}]`)];
  if (!allow) return [];
  const allowing = entryOf(allow, model);
  return [ofOrganization(snapshot, allowing === -1 ? 'spec.models.allow' : `spec.models.allow[${allowing}]`)];
}

function entryOf(patterns: readonly string[], text: string): number {
  return patterns.findIndex((pattern) => makeMatcher([pattern])(text));
}

/** The entry by which a name stands for a model. Empty: it stands for itself. */
export function aliasDeciders(
  snapshot: Snapshot,
  name: unknown,
  { user, optimizationLevel: level }: Caller,
  workload: Origin | undefined,
): Decider[] {
  const { aliases = [] } = snapshot.spec.models ?? {};
  const found = typeof name === 'string' ? findAliasField(aliases, name, { user, workload, level }) : undefined;
  return found === undefined ? [] : [ofOrganization(snapshot, `spec.models.aliases${found}`)];
}

/** An entry of `spec.models.ceilings` or `defaults`, by its name. Empty: there is none. */
export function modelRuleDeciders(
  snapshot: Snapshot,
  list: 'ceilings' | 'defaults',
  names: readonly unknown[],
  suffix = '',
): Decider[] {
  const entries: Named = snapshot.spec.models?.[list] ?? [];
  return [...new Set(names)].flatMap((name) => {
    const at = entries.findIndex((entry) => entry.name === name);
    return at === -1 ? [] : [ofOrganization(snapshot, `spec.models.${list}[${at}]${suffix}`)];
  });
}

/** Why a call whose provider chooses the model is refused. */
export function anyModelDeciders(snapshot: Snapshot, key: RoutedKey): Decider[] {
  const { allow, deny } = snapshot.spec.models ?? {};
  if (!snapshot.allowsModel(undefined)) {
    return [ofOrganization(snapshot, deny?.length || !allow ? 'spec.models.deny' : 'spec.models.allow')];
  }
  return key.provider.servesModel(undefined)
    ? [ofBinding(key, 'spec.models')]
    : [ofProvider(snapshot, key.provider.name, '.models')];
}

export function ofProvider(snapshot: Snapshot, name: string, suffix = ''): Decider {
  const at = snapshot.spec.providers.findIndex((provider) => provider.name === name);
  return ofOrganization(snapshot, `spec.providers[${at}]${suffix}`);
}

/** Why none of a caller's keys serves a model: what each of them says. Empty: there is none. */
export function noKeyDeciders(
  snapshot: Snapshot,
  user: string | undefined,
  model: string | undefined,
  nowMs: number,
): Decider[] {
  const keys = keysOf(snapshot, { user }, nowMs);
  const deciders = keys.map((key) =>
    key.provider.servesModel(model)
      ? ofBinding(key, 'spec.models')
      : ofProvider(snapshot, key.provider.name, '.models'),
  );
  return [...new Map(deciders.map((decider) => [`${decider.resource} ${decider.field}`, decider])).values()];
}

export function ofPersona({ resource, id }: Pick<Persona, 'resource' | 'id'>, field: string | null): Decider {
  return { resource: `Persona/${resource ?? id}`, field };
}

/**
 * The field that states a rule of limits, budgets or tiers.
 *
 * @param key that serves the call, which may state rules
 * @param isOfKey whether the key states it. Absent: where the Organization states none of that name
 */
export function ruleDecider(
  snapshot: Snapshot,
  key: RoutedKey,
  rule: Pick<Rule, 'kind' | 'name' | 'per'>,
  user: string | undefined,
  isOfKey?: boolean,
): Decider {
  if (rule.kind === 'tier') {
    if (rule.per === 'Key') return ofBinding(key, 'spec.tier');
    return ofOrganization(snapshot, rule.per === 'User' ? tierField(snapshot.spec, user) : 'spec.tier');
  }
  const own = fieldOfRule(snapshot.spec, rule);
  const ofKey = key.rules && fieldOfRule(key.rules, rule);
  return (isOfKey ?? own === undefined) && ofKey !== undefined
    ? ofBinding(key, ofKey)
    : ofOrganization(snapshot, own ?? 'spec');
}

function fieldOfRule(
  { limits = [], budgets = [] }: { readonly limits?: Named; readonly budgets?: Named },
  { kind, name }: Pick<Rule, 'kind' | 'name'>,
): string | undefined {
  const list = kind === 'budget' ? 'budgets' : 'limits';
  const at = (kind === 'budget' ? budgets : limits).findIndex((stated) => stated.name === name);
  return at === -1 ? undefined : `spec.${list}[${at}]`;
}

/** The first entry that names a user applies. */
function tierField({ tiers = [] }: OrganizationSpec, user: string | undefined): string {
  return `spec.tiers[${tiers.findIndex(({ users }) => user !== undefined && makeMatcher(users)(user))}]`;
}
