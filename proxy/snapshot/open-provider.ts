import { parseDurationMs } from '../../crds/duration.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { azureBasePath, azureSettingsOf } from './azure-settings.ts';
import { makeModelNames, makeModelRule } from './model-rules.ts';
import type { Provider } from './snapshot.ts';

const anthropicBaseUrl = 'https://api.anthropic.com/v1';

/** The base URLs of providers that state none. */
export interface DefaultUrls {
  /** Of `openai` providers. */
  readonly upstreamUrl: string;
  /** Of `anthropic` providers. Absent: that of Anthropic itself. */
  readonly anthropicUrl?: string | undefined;
}

/** Opens a provider for use by calls. */
export function openProvider(provider: OrganizationSpec['providers'][number], defaultUrls: DefaultUrls): Provider {
  const { upstreamUrl, anthropicUrl = anthropicBaseUrl } = defaultUrls;
  const { origin, pathname } = new URL(
    provider.baseUrl ?? (provider.type === 'anthropic' ? anthropicUrl : upstreamUrl),
  );
  return {
    name: provider.name,
    type: provider.type,
    origin,
    basePath: provider.type === 'azure' ? azureBasePath(pathname) : pathname.replace(/\/+$/, ''),
    headersTimeoutMs: parseDurationMs(provider.timeouts?.headers ?? '600s'),
    idleTimeoutMs: parseDurationMs(provider.timeouts?.idle ?? '120s'),
    connectTimeoutMs: limitOf(provider.timeouts?.connect),
    totalTimeoutMs: limitOf(provider.timeouts?.total),
    priority: provider.priority ?? 0,
    weight: provider.weight ?? 0,
    repeats: provider.repeats ?? 0,
    breaker: {
      failures: provider.circuitBreaker?.failures ?? 5,
      pauseMs: parseDurationMs(provider.circuitBreaker?.pause ?? '30s'),
    },
    servesModel: makeModelRule(
      provider.models?.map(({ name }) => name),
      undefined,
    ),
    propagatesTraceContext: provider.propagateTraceContext ?? false,
    names: makeModelNames(provider.models),
    ...(provider.type === 'azure' && { azure: azureSettingsOf(provider) }),
  };
}

function limitOf(stated: string | undefined): number | undefined {
  return stated === undefined ? undefined : parseDurationMs(stated);
}
