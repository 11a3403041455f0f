import { bindingRulesOf } from '../../../crds/binding-rules.ts';
import type { ApiKeyBindingSpec, OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { ConfigApiKey } from '../../../database/config.ts';
import type { SealedSnapshot } from '../../snapshot/sealed-snapshot.ts';
import { diffSpecs, type FieldChange } from './diff.ts';

/** The resources of a change. */
export interface ChangedResources {
  /** Undefined: the Organization stays as it is. */
  readonly spec: OrganizationSpec | undefined;
  /** ApiKeyBindings by `namespace/name`. All others stay as they are. */
  readonly bindings: ReadonlyMap<string, ApiKeyBindingSpec>;
}

export interface Change {
  readonly sealed: SealedSnapshot;
  readonly fields: readonly FieldChange[];
}

/** Makes the configuration that a change would put in force. */
export function applyChange(inForce: SealedSnapshot, { spec, bindings }: ChangedResources): Change {
  const { organization } = inForce;
  if (!organization) throw new Error('The organization has no configuration yet');
  const fields: FieldChange[] = [];
  if (spec) fields.push(...diffSpecs(`Organization/${organization.name}`, organization.spec, spec));
  const apiKeys = new Map(inForce.apiKeys);
  for (const [binding, after] of bindings) {
    const before = [...apiKeys.values()].find(({ resource }) => resource === binding);
    const row = rowOf(binding, after, before);
    apiKeys.set(row.api_key_id, row);
    fields.push(...diffSpecs(`ApiKeyBinding/${binding}`, before && shownOf(before), shownOf(row)));
  }
  return {
    sealed: { ...inForce, organization: { ...organization, ...(spec && { spec }) }, apiKeys },
    fields,
  };
}

/** A binding that is new serves its own namespace: whether it may serve others is for the operator to decide. */
function rowOf(binding: string, spec: ApiKeyBindingSpec, before: ConfigApiKey | undefined): ConfigApiKey {
  const { provider, user, models, active, expiresAt } = spec;
  return {
    ...(before ?? {
      api_key_id: `new ${binding}`,
      resource: binding,
      serves_namespace: binding.split('/', 1)[0] ?? '',
      key_sealed: '',
      synthetic_key_sha256: `new ${binding}`,
      is_deleted: false,
    }),
    provider,
    user_external_id: user ?? null,
    models: models ?? null,
    rules: bindingRulesOf(spec),
    is_active: active,
    expires_at_ms: expiresAt === undefined ? null : Date.parse(expiresAt),
  };
}

/** What of a binding a simulation judges by. */
function shownOf({
  provider,
  user_external_id: user,
  models,
  rules,
  is_active: active,
  expires_at_ms: expiresAtMs,
}: ConfigApiKey) {
  return {
    provider,
    ...(user !== null && { user }),
    ...(models !== null && { models }),
    ...(typeof rules === 'object' && rules !== null && rules),
    active,
    ...(expiresAtMs !== null && { expiresAt: new Date(expiresAtMs).toISOString() }),
  };
}
