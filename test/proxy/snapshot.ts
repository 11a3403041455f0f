import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { noRevocations } from '../../proxy/snapshot/revocations.ts';
import type { Provider, RoutedKey, Snapshot } from '../../proxy/snapshot/snapshot.ts';
import { organizationSpec } from '../database/tenant.ts';

export const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';

export const provider: Provider = {
  name: 'openai',
  type: 'openai',
  origin: 'https://api.openai.com',
  basePath: '/v1',
  headersTimeoutMs: 600_000,
  idleTimeoutMs: 120_000,
  connectTimeoutMs: undefined,
  totalTimeoutMs: undefined,
  priority: 0,
  weight: 0,
  repeats: 0,
  breaker: { failures: 5, pauseMs: 30_000 },
  servesModel: () => true,
  propagatesTraceContext: false,
  names: undefined,
};

/** A key of the organization's for every model, but for what the test says. */
export function makeKey(id: string, changes: Partial<RoutedKey> = {}): RoutedKey {
  return {
    id,
    provider,
    secret: `sk-${id}`,
    binding: `web/${id}`,
    rules: undefined,
    servesModel: () => true,
    expiresAtMs: Number.POSITIVE_INFINITY,
    reach: 'namespace',
    ...changes,
  };
}

/** A snapshot that allows everything and has nothing, but for what the test says. */
export function makeSnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    version: 1,
    organizationId,
    organizationName: 'acme',
    isDeleted: false,
    spec: organizationSpec satisfies OrganizationSpec,
    requireUser: true,
    defaultRoles: ['admin'],
    mayName: undefined,
    inactiveUsers: new Set(),
    revocations: noRevocations,
    storesContents: true,
    analysisLifetimeMs: 86_400_000,
    sessionIdleMs: 1_800_000,
    sessionSources: new Set(),
    allowsModel: () => true,
    allowsOrigin: undefined,
    surfaces: undefined,
    providers: new Map([[provider.name, provider]]),
    deployedNames: new Set(),
    personas: new Map(),
    keys: new Map(),
    keysByUser: new Map(),
    organizationKeys: [],
    retries: { attempts: 3, withinMs: 60_000 },
    mayFallBack: false,
    hasWeights: false,
    syntheticKeys: new Map(),
    withdrawnKeys: new Set(),
    accessKeys: { byDigest: new Map(), all: [], allowsOrigin: undefined },
    ...changes,
  };
}
