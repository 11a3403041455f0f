import type { ConfigDeployment } from '../../database/config.ts';
import { EnvelopeError } from '../../database/envelope.ts';
import { bothRules, type ModelRule } from './model-rules.ts';
import { type DefaultUrls, openProvider } from './open-provider.ts';
import type { RowOpener } from './row-opener.ts';
import type { Provider, RoutedKey } from './snapshot.ts';

/** The models that the organization serves itself. Each is a provider with a key of its own. */
export interface DeployedModels {
  readonly keys: readonly RoutedKey[];
  /** Also of those without an address yet. */
  readonly names: ReadonlySet<string>;
  /** What providers serve beside them: a call that names a deployment goes nowhere else. */
  readonly others: (servesModel: ModelRule) => ModelRule;
}

const timeouts = { headers: '60s', idle: '60s' };

/** A provider's name has no slash where an Organization states it. */
export function providerNameOf(deployment: string): string {
  return `deployment/${deployment}`;
}

/** Opens the deployments that have an address. */
export function openDeployedModels(
  rows: Iterable<ConfigDeployment>,
  opener: Pick<RowOpener, 'servingKey'>,
  defaultUrls: DefaultUrls,
): DeployedModels {
  const keys: RoutedKey[] = [];
  const names = new Set<string>();
  for (const row of rows) {
    names.add(row.name);
    if (row.address === null) continue;
    const secret = openKey(row, opener);
    if (secret === undefined) continue;
    const servesModel: ModelRule = (model) => model === row.name;
    const stated = openProvider(
      { name: providerNameOf(row.name), type: 'compatible', baseUrl: row.address, timeouts },
      defaultUrls,
    );
    const provider: Provider = { ...stated, servesModel };
    keys.push({
      ...{ id: row.key_id, provider, secret, binding: '', rules: undefined, servesModel },
      ...{ expiresAtMs: Number.POSITIVE_INFINITY, reach: 'shared' as const },
    });
  }
  const isElsewhere: ModelRule = (model) => model === undefined || !names.has(model);
  return { keys, names, others: (rule) => (names.size === 0 ? rule : bothRules(rule, isElsewhere)) };
}

/** Undefined: its data key is lost, or not here yet. Everything else goes on without it. */
function openKey(row: ConfigDeployment, opener: Pick<RowOpener, 'servingKey'>): string | undefined {
  try {
    return opener.servingKey(row);
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
