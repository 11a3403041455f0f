import type { BindingRules } from '../../crds/binding-rules.ts';
import { parseDurationMs } from '../../crds/duration.ts';
import { permittedParameters } from '../../crds/persona-parameters.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type {
  ConfigAccessKey,
  ConfigApiKey,
  ConfigChanges,
  ConfigOrganization,
  ConfigPersona,
  ConfigRevocation,
} from '../../database/config.ts';
import { type AccessKeys, openAccessKeys } from './access-keys.ts';
import { type AzureSettings, azureBasePath, azureSettingsOf } from './azure-settings.ts';
import { type Envelopes, envelopeFor } from './envelopes.ts';
import { bothRules, type ModelNames, type ModelRule, makeModelNames, makeModelRule } from './model-rules.ts';
import { type AllowsOrigin, makeOriginRule } from './origin-rule.ts';
import { openRevocations, type Revocations } from './revocations.ts';
import { makeUserRule, type UserRule } from './user-rule.ts';

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
};

export interface Persona {
  readonly id: string;
  readonly resource: string | null;
  readonly name: string;
  readonly description: string | null;
  readonly content: string;
  /** External ids of the users who may use the persona. Empty: everyone. */
  readonly users: ReadonlySet<string>;
  readonly model: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly isActive: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** An API that an organization may serve, named as in `spec.surfaces`. */
export type Surface = NonNullable<OrganizationSpec['surfaces']>[number];

export interface Provider {
  readonly name: string;
  readonly type: OrganizationSpec['providers'][number]['type'];
  /** Scheme, host and port of the base URL. */
  readonly origin: string;
  /** Path of the base URL, without a trailing slash. */
  readonly basePath: string;
  /** How long the answer may take to begin. */
  readonly headersTimeoutMs: number;
  /** How long the pause between two chunks of an answer may be. */
  readonly idleTimeoutMs: number;
  /** How long a connection may take, and a whole answer. Undefined: the limit of all connections, and none. */
  readonly connectTimeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
  /** The lowest comes first. */
  readonly priority: number;
  /** Its share of the calls, among the providers of its priority. 0: it comes after those with a weight. */
  readonly weight: number;
  /** How often a call is sent again with the same key after a failure. */
  readonly repeats: number;
  /** After how many failures in a row calls go elsewhere, and for how long. */
  readonly breaker: { readonly failures: number; readonly pauseMs: number };
  readonly servesModel: ModelRule;
  /** Its own names of models. Undefined where it has none. */
  readonly names: ModelNames | undefined;
  /** Absent for providers of other types. */
  readonly azure?: AzureSettings | undefined;
}

/** A usable provider key, with its provider. */
export interface RoutedKey {
  readonly id: string;
  readonly provider: Provider;
  readonly secret: string;
  /** `namespace/name` of the ApiKeyBinding. */
  readonly binding: string;
  /** The binding's limits, budgets and tier. Undefined: none. */
  readonly rules: BindingRules | undefined;
  /** Whether both the binding and the provider serve a model. */
  readonly servesModel: ModelRule;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** Whose it is: one user's, the pod's namespace's, or shared by another namespace. */
  readonly reach: 'user' | 'namespace' | 'shared';
}

/** The rights of calls with a synthetic key. */
export interface SyntheticKey {
  readonly user: string | undefined;
  /** The binding's namespace; its workloads have the key. */
  readonly namespace: string;
  /** Empty: the organization's default roles. */
  readonly roles: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** The configuration that a proxy enforces: everything that a call needs, in memory. */
export interface Snapshot {
  readonly version: number;
  readonly organizationId: string;
  readonly organizationName: string;
  readonly isDeleted: boolean;
  readonly spec: OrganizationSpec;
  readonly requireUser: boolean;
  /** The roles of callers whose credential names none. */
  readonly defaultRoles: readonly string[];
  /** Which users a workload may name, by its namespace. Undefined: every user. */
  readonly mayName: UserRule | undefined;
  /** Ids of users whose calls are refused. */
  readonly inactiveUsers: ReadonlySet<string>;
  readonly revocations: Revocations;
  readonly storesContents: boolean;
  /** How long a session counts as active after its last call. */
  readonly sessionIdleMs: number;
  /** Where a call without a session id gets its session from. Empty: the call starts a new session. */
  readonly sessionSources: ReadonlySet<NonNullable<NonNullable<OrganizationSpec['sessions']>['inferFrom']>[number]>;
  /** How long a stored analysis result is used again. */
  readonly analysisLifetimeMs: number;
  readonly allowsModel: ModelRule;
  /** Decides which origins' web pages may read answers. Undefined: none. */
  readonly allowsOrigin: AllowsOrigin | undefined;
  /** Undefined: all surfaces. */
  readonly surfaces: ReadonlySet<Surface> | undefined;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly personas: ReadonlyMap<string, Persona>;
  /** By API key id. Has only active keys whose provider is known. */
  readonly keys: ReadonlyMap<string, RoutedKey>;
  /** Each user's own keys, in the order of use. */
  readonly keysByUser: ReadonlyMap<string, readonly RoutedKey[]>;
  /**
   * The keys for everyone, in the order of use: those of the proxy's own namespace, then those that other namespaces
   * share, each by provider.
   */
  readonly organizationKeys: readonly RoutedKey[];
  /** The caps on the requests of one call. */
  readonly retries: { readonly attempts: number; readonly withinMs: number };
  /** Whether any call could be sent a second time. */
  readonly mayFallBack: boolean;
  /** Whether any provider has a weight, so that calls are shared among several. */
  readonly hasWeights: boolean;
  /** By the SHA-256 of the synthetic key, in hexadecimal. */
  readonly syntheticKeys: ReadonlyMap<string, SyntheticKey>;
  /** SHA-256 of the synthetic keys of deleted or inactive bindings. */
  readonly withdrawnKeys: ReadonlySet<string>;
  /** Keys `sk_…` and `pk_…` of our own API. */
  readonly accessKeys: AccessKeys;
}

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
  };
}

/** Revocations by kind and subject. */
export function indexRevocations(rows: readonly ConfigRevocation[]): Map<string, ConfigRevocation> {
  return new Map(rows.map((row) => [`${row.kind} ${row.subject}`, row]));
}

/** Opens sealed rows. It remembers opened rows, since most rows of a new snapshot are those of the last one. */
export type RowOpener = ReturnType<typeof makeRowOpener>;

/** Makes an opener for one organization's personas and keys. */
export function makeRowOpener(organizationId: string, envelopes: Envelopes) {
  const personas = new WeakMap<ConfigPersona, Persona>();
  const secrets = new WeakMap<ConfigApiKey, string>();
  const open = (row: ConfigPersona | ConfigApiKey, column: string, rowId: string, sealed: string) => {
    const envelope = envelopeFor(envelopes, row.serves_namespace);
    if (!envelope) throw new TypeError(`${column} of ${rowId} serves namespace "${row.serves_namespace}"`);
    return envelope.open({ organizationId, column, rowId }, Buffer.from(sealed, 'base64')).toString();
  };
  return {
    /** Whether the row serves this proxy. A row that serves another namespace is not opened. */
    serves: (row: ConfigPersona | ConfigApiKey): boolean => envelopeFor(envelopes, row.serves_namespace) !== undefined,
    /** Whether the proxy acts for the namespace of the resource that owns the row. */
    isOwn: (row: ConfigApiKey): boolean => envelopes.namespaces.has(namespaceOf(row)),
    persona(row: ConfigPersona): Persona {
      const known = personas.get(row);
      if (known) return known;
      const persona: Persona = {
        id: row.persona_id,
        resource: row.resource,
        name: row.name,
        description: row.description,
        content: open(row, 'personas.content', row.persona_id, row.content_sealed),
        users: new Set(row.users),
        model: row.model ?? undefined,
        parameters: permittedParameters(row.parameters),
        isActive: row.is_active,
        createdAt: new Date(row.created_at).toISOString(),
        updatedAt: new Date(row.updated_at).toISOString(),
      };
      personas.set(row, persona);
      return persona;
    },
    secret(row: ConfigApiKey): string {
      const known = secrets.get(row) ?? open(row, 'api_keys.key', row.api_key_id, row.key_sealed);
      secrets.set(row, known);
      return known;
    },
  };
}

const anthropicBaseUrl = 'https://api.anthropic.com/v1';

/** The base URLs of providers that state none. */
export interface DefaultUrls {
  /** Of `openai` providers. */
  readonly upstreamUrl: string;
  /** Of `anthropic` providers. Absent: that of Anthropic itself. */
  readonly anthropicUrl?: string | undefined;
}

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
  const keys = openKeys(sealed, opener, providers);
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

function openProvider(provider: OrganizationSpec['providers'][number], defaultUrls: DefaultUrls): Provider {
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
    names: makeModelNames(provider.models),
    ...(provider.type === 'azure' && { azure: azureSettingsOf(provider) }),
  };
}

function limitOf(stated: string | undefined): number | undefined {
  return stated === undefined ? undefined : parseDurationMs(stated);
}

function openKeys(sealed: SealedSnapshot, opener: RowOpener, providers: ReadonlyMap<string, Provider>) {
  const keys = new Map<string, RoutedKey>();
  const keysByUser = new Map<string, RoutedKey[]>();
  const organizationKeys: RoutedKey[] = [];
  const syntheticKeys = new Map<string, SyntheticKey>();
  const withdrawnKeys = new Set(sealed.withdrawnKeys);
  const isUnordered = sealed.organization?.shares_by_default ?? true;
  for (const row of orderKeys(sealed, opener, [...providers.values()])) {
    const provider = providers.get(row.provider);
    if (!row.is_active || !provider) {
      withdrawnKeys.add(row.synthetic_key_sha256);
      continue;
    }
    const expiresAtMs = row.expires_at_ms ?? Number.POSITIVE_INFINITY;
    const servesModel = bothRules(makeModelRule(row.models ?? undefined, undefined), provider.servesModel);
    const key: RoutedKey = {
      id: row.api_key_id,
      provider,
      secret: opener.secret(row),
      binding: row.resource ?? '',
      // They were validated against crds/apikeybindings.yaml before they were stored, and only the operator can write them.
      rules: (row.rules as BindingRules | null | undefined) ?? undefined,
      servesModel,
      expiresAtMs,
      reach: reachOf(row, opener, isUnordered),
    };
    keys.set(key.id, key);
    syntheticKeys.set(row.synthetic_key_sha256, {
      user: row.user_external_id ?? undefined,
      namespace: namespaceOf(row),
      roles: row.roles ?? [],
      expiresAtMs,
    });
    if (row.user_external_id === null) organizationKeys.push(key);
    else keysByUser.set(row.user_external_id, [...(keysByUser.get(row.user_external_id) ?? []), key]);
  }
  return { keys, keysByUser, organizationKeys, syntheticKeys, withdrawnKeys };
}

/**
 * The keys that serve this proxy, in the order of use. The order is the same for every proxy of a namespace: keys of
 * the own namespace first, then by the priority and the order of `spec.providers`, then by namespace. Of keys that are
 * still equal, the operator puts only one in force. Until an organization states `spec.sharing`, the lowest id comes
 * first within a priority, as in older versions.
 */
function orderKeys({ organization, apiKeys }: SealedSnapshot, opener: RowOpener, providers: readonly Provider[]) {
  const isUnordered = organization?.shares_by_default ?? true;
  const ordered = providers.toSorted((one, other) => one.priority - other.priority);
  const places = new Map(ordered.map(({ name, priority }, place) => [name, isUnordered ? priority : place]));
  return [...apiKeys.values()]
    .filter(opener.serves)
    .map((row) => {
      const isOwn = isUnordered || opener.isOwn(row);
      const name = `${isUnordered ? '' : namespaceOf(row)}/${row.api_key_id}`;
      return { row, isOwn, place: places.get(row.provider) ?? 0, name };
    })
    .sort(
      (one, other) =>
        Number(other.isOwn) - Number(one.isOwn) || one.place - other.place || (one.name < other.name ? -1 : 1),
    )
    .map(({ row }) => row);
}

function reachOf(row: ConfigApiKey, opener: RowOpener, isUnordered: boolean): RoutedKey['reach'] {
  if (row.user_external_id !== null) return 'user';
  return isUnordered || opener.isOwn(row) ? 'namespace' : 'shared';
}

function namespaceOf({ resource }: ConfigApiKey): string {
  return resource?.split('/', 1)[0] ?? '';
}
