import type {
  ConfigAccessKey,
  ConfigApiKey,
  ConfigChanges,
  ConfigDeployment,
  ConfigOrganization,
  ConfigPersona,
  ConfigRevocation,
} from '../../database/config.ts';

/** An organization's configuration at one version, still sealed, so that it can be saved to a volume. */
export interface SealedSnapshot {
  readonly version: number;
  readonly organization: ConfigOrganization | undefined;
  readonly personas: ReadonlyMap<string, ConfigPersona>;
  readonly apiKeys: ReadonlyMap<string, ConfigApiKey>;
  /**
   * SHA-256 of synthetic keys whose binding was deleted while this proxy followed. The database erases them from the
   * row.
   */
  readonly withdrawnKeys: ReadonlySet<string>;
  /** Ids of deactivated users. */
  readonly inactiveUsers: ReadonlySet<string>;
  /** By kind and subject. */
  readonly revocations: ReadonlyMap<string, ConfigRevocation>;
  /** By id. */
  readonly accessKeys: ReadonlyMap<string, ConfigAccessKey>;
  /** By id. */
  readonly deployments: ReadonlyMap<string, ConfigDeployment>;
}

export const emptySnapshot: SealedSnapshot = {
  version: 0,
  organization: undefined,
  personas: new Map(),
  apiKeys: new Map(),
  withdrawnKeys: new Set(),
  inactiveUsers: new Set(),
  revocations: new Map(),
  accessKeys: new Map(),
  deployments: new Map(),
};

/** How many withdrawn keys are remembered. */
const maxWithdrawn = 1_000;

/** Applies changes to a snapshot. */
export function applyChanges(snapshot: SealedSnapshot, changes: ConfigChanges): SealedSnapshot {
  const personas = new Map(snapshot.personas);
  const apiKeys = new Map(snapshot.apiKeys);
  for (const row of changes.personas) {
    if (row.is_deleted) personas.delete(row.persona_id);
    else personas.set(row.persona_id, row);
  }
  const withdrawnKeys = new Set(snapshot.withdrawnKeys);
  for (const row of changes.apiKeys) {
    const before = apiKeys.get(row.api_key_id);
    if (row.is_deleted && before) withdrawnKeys.add(before.synthetic_key_sha256);
    if (row.is_deleted) apiKeys.delete(row.api_key_id);
    else apiKeys.set(row.api_key_id, row);
  }
  const inactiveUsers = new Set(snapshot.inactiveUsers);
  for (const { user_id, is_active } of changes.users) {
    if (is_active) inactiveUsers.delete(user_id);
    else inactiveUsers.add(user_id);
  }
  const accessKeys = new Map(snapshot.accessKeys);
  for (const row of changes.accessKeys) {
    if (row.is_deleted) accessKeys.delete(row.key_id);
    else accessKeys.set(row.key_id, row);
  }
  const deployments = new Map(snapshot.deployments);
  for (const row of changes.deployments) {
    if (row.is_deleted) deployments.delete(row.deployment_id);
    else deployments.set(row.deployment_id, row);
  }
  const organization = changes.organization ?? snapshot.organization;
  const revocations = new Map([...snapshot.revocations, ...indexRevocations(changes.revocations)]);
  return {
    version: changes.version,
    organization,
    personas,
    apiKeys,
    withdrawnKeys: new Set([...withdrawnKeys].slice(-maxWithdrawn)),
    inactiveUsers,
    revocations,
    accessKeys,
    deployments,
  };
}

/** Revocations by kind and subject. */
export function indexRevocations(rows: readonly ConfigRevocation[]): Map<string, ConfigRevocation> {
  return new Map(rows.map((row) => [`${row.kind} ${row.subject}`, row]));
}
