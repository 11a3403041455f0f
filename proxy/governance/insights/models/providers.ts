import type { OrganizationSpec } from '../../../../crds/resources.generated.ts';
import type { Caller } from '../../../calls/call.ts';
import type { AppliedAlias } from '../../../calls/models/aliases.ts';
import { inOrder } from '../../../calls/route/order.ts';
import { keysOf } from '../../../calls/route/route.ts';
import { ProxyError } from '../../../error.ts';
import { formatIsOffered } from '../../../providers/table.ts';
import type { RoutedKey } from '../../../snapshot/snapshot.ts';
import type { GovernanceContext } from '../../context.ts';
import { defaultSentimentModel } from '../sentiment/sentiment.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'modelRules' | 'providers' | 'origin'>;
type AliasSpec = NonNullable<NonNullable<OrganizationSpec['models']>['aliases']>[number];

export const capabilities = ['text_generation', 'embeddings', 'classification'] as const;
export type Capability = (typeof capabilities)[number];

/** An alias of the organization that a caller can use. */
export interface ListedModel {
  readonly alias: string;
  /** The Organization's name for the provider that a call would go to first. */
  readonly provider: string;
  readonly model: string;
  readonly complianceLevel: string | null;
  readonly capabilities: readonly Capability[];
}

export interface ListedModels {
  readonly models: readonly ListedModel[];
  /** The alias for texts where a request names no model. Undefined: the organization has none. */
  readonly defaultAlias: string | undefined;
}

/**
 * Lists the aliases whose calls the organization allows and a key of the caller's serves.
 *
 * @throws {ProxyError} `no_api_key`
 */
export async function listModels(context: Context, caller: Caller): Promise<ListedModels> {
  const { snapshot } = context.inForce();
  const keys = keysOf(snapshot, caller, Date.now());
  if (keys.length === 0) throw new ProxyError('no_api_key');
  const models = (await aliasesFor(context, caller)).flatMap(({ spec, model }) => {
    const serving = inOrder(
      keys.filter((key) => key.servesModel(model)),
      () => 0,
    );
    const [first] = serving;
    if (!first || !snapshot.allowsModel(model)) return [];
    const { name: alias, complianceLevel = null } = spec;
    return [
      {
        alias,
        provider: first.provider.name,
        model,
        complianceLevel,
        capabilities: whatFor(context, spec, model, serving),
      },
    ];
  });
  const { defaultAlias = models.find(generatesText)?.alias } = snapshot.spec.models ?? {};
  return { models, defaultAlias };
}

/** The model of a text for which a request names none, or an alias of it. */
export async function defaultTextModel(context: Context, caller: Caller): Promise<string> {
  return (await listModels(context, caller)).defaultAlias ?? defaultSentimentModel;
}

async function aliasesFor({ inForce, modelRules, origin }: Context, caller: Caller): Promise<readonly AppliedAlias[]> {
  const rules = await modelRules.of(inForce().snapshot);
  const { user, optimizationLevel: level } = caller;
  return rules?.aliases.entriesFor({ user, workload: origin, level }) ?? [];
}

function generatesText({ capabilities }: ListedModel): boolean {
  return capabilities.includes('text_generation');
}

/** What the Organization says of it; else what its name and its providers tell. */
function whatFor({ providers }: Context, spec: AliasSpec, model: string, keys: readonly RoutedKey[]): Capability[] {
  if (spec.capabilities) return [...spec.capabilities];
  const offers = (operation: 'chat' | 'embeddings') =>
    keys.some(({ provider }) => formatIsOffered(providers, provider, operation));
  if (/embed/i.test(model)) return offers('embeddings') ? ['embeddings'] : [];
  return offers('chat') ? ['text_generation', 'classification'] : [];
}
