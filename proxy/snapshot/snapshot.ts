import type { BindingRules } from '../../crds/binding-rules.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { AccessKeys } from './access-keys.ts';
import type { AzureSettings } from './azure-settings.ts';
import type { ModelNames, ModelRule } from './model-rules.ts';
import type { AllowsOrigin } from './origin-rule.ts';
import type { Revocations } from './revocations.ts';
import type { UserRule } from './user-rule.ts';

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
  /** Whether it gets the trace of a call, so that its spans join it. */
  readonly propagatesTraceContext: boolean;
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
  /** Those that the spec states, and a provider for each served model of the organization's own. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** The names of the organization's own served models. */
  readonly deployedNames: ReadonlySet<string>;
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
