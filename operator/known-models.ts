import type { OrganizationSpec } from '../crds/resources.generated.ts';
import { refusesModel } from './model-rule.ts';
import { matchesPattern, overlap } from './patterns.ts';
import type { Verdict } from './runtime/conditions.ts';

/** Whether a vendor is known to have a model of this name, or one that a pattern with `*` stands for. */
export type IsListed = (pattern: string) => boolean;

type Provider = OrganizationSpec['providers'][number];
type Served = Pick<OrganizationSpec, 'providers' | 'prices'>;

/** Price lists and the types of the vendors' SDKs tell of models. They are loaded where a resource names models. */
export async function loadModelList(): Promise<IsListed> {
  const { listedModels } = await import('../proxy/prices/price-table.ts');
  const { vendorModels } = await import('./vendor-models.generated.ts');
  return (pattern) => overlap([pattern], listedModels) || overlap([pattern], vendorModels);
}

/** Why no call of an organization reaches a model, or any that a pattern stands for. Undefined: one may. */
export function whyNoModel(
  pattern: string,
  spec: Served & Pick<OrganizationSpec, 'models'>,
  isListed: IsListed,
): string | undefined {
  const { allow, deny } = spec.models ?? {};
  // Of a pattern, it is enough that one of its models may be called.
  const isDenied = deny?.some((denied) => matchesPattern(denied, pattern));
  const isRefused = refusesModel(spec, pattern) || isDenied || !overlap([pattern], allow);
  return isRefused ? 'spec.models does not allow it' : whyUnserved(pattern, spec, isListed);
}

/** Why no provider has a model, as far as that is known. Undefined: one may. */
export function whyUnserved(pattern: string, { providers, prices = [] }: Served, isListed: IsListed) {
  const serving = providers.filter(({ models }) => overlap([pattern], namesOf(models)));
  if (serving.length === 0) return 'no provider serves it';
  const isNamed = serving.some(({ models = [] }) => models.some(({ name }) => isOne(name, pattern)));
  const hasPrice = prices.some(({ model }) => overlap([pattern], [model]));
  if (isNamed || hasPrice || serving.some(mayHaveAny) || isKnown(pattern, isListed)) return undefined;
  return 'neither the price list nor spec.prices nor a provider names it';
}

/** Only of the vendors themselves is it known which models they have. */
export function mayHaveAny({ type, baseUrl }: Pick<Provider, 'type' | 'baseUrl'>): boolean {
  return baseUrl !== undefined || (type !== 'openai' && type !== 'anthropic');
}

/** Fine-tuned models are the organization's own. */
export function isKnown(pattern: string, isListed: IsListed): boolean {
  return isListed(pattern) || overlap([pattern], ['ft:*']);
}

function namesOf(models: Provider['models']): string[] | undefined {
  return models?.map(({ name }) => name);
}

/** Whether a provider states just this model. A pattern tells of no model that there is one. */
function isOne(name: string, pattern: string): boolean {
  return !name.includes('*') && overlap([pattern], [name]);
}

/**
 * Adds to the verdict on a resource in force that no call can reach models that it names.
 *
 * @param field where it names them
 */
export async function tellUnknownModels(
  verdict: Verdict,
  field: string,
  models: readonly string[],
  spec: Served & Pick<OrganizationSpec, 'models'>,
): Promise<Verdict> {
  const named = models.filter((model) => !spec.models?.aliases?.some(({ name }) => name === model));
  if (!verdict.status || named.length === 0) return verdict;
  const isListed = await loadModelList();
  const unknown = named.flatMap((model) => {
    const why = whyNoModel(model, spec, isListed);
    return why === undefined ? [] : [`"${model}" (${why})`];
  });
  if (unknown.length === 0) return verdict;
  const message = `${verdict.message} No call is known to reach these models of ${field}: ${unknown.join(', ')}. Correct them, or state them in spec.prices of the Organization.`;
  return { ...verdict, reason: 'ModelUnknown', message };
}
