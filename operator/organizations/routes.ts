import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { type IsListed, isKnown, mayHaveAny } from '../known-models.ts';
import { refusesModel } from '../model-rule.ts';
import type { Verdict } from '../runtime/conditions.ts';

/**
 * The condition about providers and models that no call can reach. Nothing else depends on it. Undefined for an
 * organization that routes nothing: one provider, which serves every model.
 *
 * @param keyed the providers that have a binding in force
 */
export function judgeRoutes(
  spec: Pick<OrganizationSpec, 'providers' | 'models' | 'prices'>,
  keyed: ReadonlySet<string>,
  isListed: IsListed,
): Verdict | undefined {
  const { providers } = spec;
  if (providers.length < 2 && !providers.some(({ models }) => models)) return undefined;
  const keyless = providers.filter(({ name }) => !keyed.has(name)).map(({ name }) => name);
  if (keyless.length > 0) {
    return {
      type: 'RoutesComplete',
      status: false,
      reason: 'ProviderWithoutKey',
      message: `No call reaches ${list(keyless)}, since no ApiKeyBinding in force names ${keyless.length === 1 ? 'it' : 'them'} as its provider. Create one, or remove the provider from spec.providers.`,
    };
  }
  const refused = providers.flatMap(({ name: provider, models = [] }) =>
    models.filter(({ name }) => refusesModel(spec, name)).map(({ name }) => `${provider}: ${name}`),
  );
  if (refused.length > 0) {
    return {
      type: 'RoutesComplete',
      status: false,
      reason: 'ProviderModelNotAllowed',
      message: `No call reaches these models of spec.providers, since spec.models does not allow them: ${list(refused)}. Correct the names, or allow the models.`,
    };
  }
  const unknown = providers.flatMap((provider) =>
    mayHaveAny(provider)
      ? []
      : (provider.models ?? [])
          .map(({ name, as: sent = name }) => sent)
          .filter((model) => !isKnown(model, isListed) && !spec.prices?.some((price) => price.model === model))
          .map((model) => `${provider.name}: ${model}`),
  );
  if (unknown.length > 0) {
    return {
      type: 'RoutesComplete',
      status: false,
      reason: 'ProviderModelUnknown',
      message: `The price list of their vendors does not have these models of spec.providers: ${list(unknown)}. Correct the names, or state the models in spec.prices.`,
    };
  }
  const message = 'Every provider has a key, and every model that it names may be called.';
  return { type: 'RoutesComplete', status: true, reason: 'Complete', message };
}

/** A status names only the first ones. */
const mostNamed = 10;

function list(names: readonly string[]): string {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `${names
    .slice(0, mostNamed)
    .map((name) => `"${name}"`)
    .join(', ')}${more}`;
}
