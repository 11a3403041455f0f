import { parseDurationMs } from '../../crds/duration.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { openAccessKeys } from './access-keys.ts';
import { openDeployedModels } from './deployed-models.ts';
import { makeModelRule } from './model-rules.ts';
import { openKeys } from './open-keys.ts';
import { type DefaultUrls, openProvider } from './open-provider.ts';
import { makeOriginRule } from './origin-rule.ts';
import { openRevocations } from './revocations.ts';
import type { RowOpener } from './row-opener.ts';
import type { SealedSnapshot } from './sealed-snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import { makeUserRule } from './user-rule.ts';

/**
 * Opens a snapshot for use by calls.
 *
 * @param defaultUrls the base URLs of providers that state none
 * @throws {EnvelopeError} where a value does not open with the current data keys
 */
export function openSnapshot(
  sealed: SealedSnapshot,
  opener: RowOpener,
  defaultUrls: DefaultUrls,
): Snapshot | undefined {
  const { organization } = sealed;
  if (!organization) return undefined;
  // It was validated against crds/organizations.yaml before it was stored, and only the operator can write it.
  const spec = organization.spec as OrganizationSpec;
  const providers = new Map(spec.providers.map((provider) => [provider.name, openProvider(provider, defaultUrls)]));
  const deployed = openDeployedModels(sealed.deployments.values(), opener, defaultUrls);
  for (const { provider } of deployed.keys) providers.set(provider.name, provider);
  const keys = openKeys(sealed, opener, providers, deployed);
  return {
    version: sealed.version,
    organizationId: organization.organization_id,
    organizationName: organization.name,
    isDeleted: organization.is_deleted,
    spec,
    requireUser: spec.authentication?.requireUser ?? true,
    defaultRoles: spec.authentication?.defaultRoles ?? ['member'],
    mayName: makeUserRule(spec),
    inactiveUsers: sealed.inactiveUsers,
    revocations: openRevocations(sealed.revocations.values()),
    accessKeys: openAccessKeys(spec.apiKeys, sealed.accessKeys.values()),
    storesContents: spec.storage?.contents !== 'None',
    analysisLifetimeMs: parseDurationMs(spec.storage?.analysisLifetime ?? '720h'),
    sessionIdleMs: parseDurationMs(spec.sessions?.idleTimeout ?? '30m'),
    sessionSources: new Set(spec.sessions?.inferFrom),
    allowsModel: makeModelRule(spec.models?.allow, spec.models?.deny),
    allowsOrigin: spec.cors && makeOriginRule(spec.cors.origins),
    surfaces: spec.surfaces && new Set(spec.surfaces),
    providers,
    deployedNames: deployed.names,
    retries: {
      attempts: spec.retries?.attempts ?? 3,
      withinMs: parseDurationMs(spec.retries?.within ?? '60s'),
    },
    mayFallBack:
      (spec.retries?.attempts ?? 3) > 1 &&
      (keys.keys.size > 1 || [...providers.values()].some(({ repeats }) => repeats > 0)),
    hasWeights: spec.providers.some(({ weight = 0 }) => weight > 0),
    personas: new Map(
      [...sealed.personas.values()].filter(opener.serves).map((row) => [row.persona_id, opener.persona(row)]),
    ),
    ...keys,
  };
}
