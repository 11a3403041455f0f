import { parseDurationMs } from '../../crds/duration.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { credentialsSecretName, isReservedOrganizationName, type ServiceAccountTokens } from '../credentials.ts';
import { describeFailure, failureReason, outageReason, type Verdict } from '../runtime/conditions.ts';
import { type AskedRotations, readAskedRotations } from './asked-rotations.ts';
import { judgeDefaults, stateDefaults } from './defaults.ts';
import { describeRules } from './describe-rules.ts';
import type { CountedKeys, GatheredOrganization } from './gather.ts';
import { ageOfDataKeys, ageOfTokenKeys } from './keys.ts';
import { decideConnections } from './limits.ts';
import { decideRotation, type RotationDecision } from './rotate.ts';
import { sharedSecretLabel } from './shared-secret.ts';
import { decideSharing, type SharingDecision } from './sharing.ts';

export const finalizer = 'chaperone.dev/organization';

/** The schema's default, for an Organization without `authentication`. */
const defaultTokenLifetime = '8760h';

export type OrganizationDecision =
  /** Nothing is written, since the target belongs or may belong to another owner. What is in force stays in force. */
  | { readonly action: 'refuse'; readonly verdict: Verdict }
  | { readonly action: 'delete'; readonly keepData: boolean; readonly staleNamespaces: readonly string[] }
  | {
      readonly action: 'apply';
      readonly needsFinalizer: boolean;
      /** The spec that proxies enforce. */
      readonly spec: OrganizationSpec;
      readonly tokenKeys: RotationDecision;
      readonly dataKeys: RotationDecision;
      /** Data keys that were issued before this have leaked, in milliseconds since 1970. */
      readonly dataKeysLeakedBeforeMs: number | undefined;
      /** Whether the organization's role gets a new password. */
      readonly renewsLogin: boolean;
      /** How many connections all its proxies may have together. */
      readonly connections: number;
      /** Whether every proxy has the current password by now, so that older sessions are ended. */
      readonly endsOldSessions: boolean;
      /** The default lifetime of tokens. */
      readonly tokenLifetime: string;
      /** Whether new data keys replace lost ones. Whatever the lost keys sealed cannot be opened. */
      readonly dataKeysWereLost: boolean;
      /** The HS256 secret for accepting tokens, in base64url. */
      readonly sharedSecret: string | undefined;
      /** The service accounts whose tokens are accepted. */
      readonly serviceAccounts: ServiceAccountTokens | undefined;
      /** The namespaces that get the credentials, including the operator's own copy. */
      readonly namespaces: readonly string[];
      /** The namespaces whose copy of the credentials must be deleted. */
      readonly staleNamespaces: readonly string[];
      readonly sharing: SharingDecision;
      readonly problem: Verdict | undefined;
      /** The condition about former defaults. Undefined where none ever applied. */
      readonly defaults: Verdict | undefined;
      /** When the next rotation step is due. */
      readonly nextRotationMs: number | undefined;
    };

/** A mounted Secret changes within two minutes, and a proxy checks every two seconds. */
const defaultPropagationMs = 300_000;

/**
 * Decides what to do about an organization.
 *
 * @param propagationMs how long a new key is handed out before it is used
 */
export function decideOrganization(
  gathered: GatheredOrganization,
  nowMs: number,
  propagationMs = defaultPropagationMs,
): OrganizationDecision {
  const { organization, operatorNamespace, memberNamespaces, namespacesWithCredentials } = gathered;
  const { credentials, storedId } = gathered;
  const { metadata, spec } = organization;
  if (metadata.deletionTimestamp) {
    return { action: 'delete', keepData: spec.deletionPolicy === 'Retain', staleNamespaces: namespacesWithCredentials };
  }
  const refusal = judgeNames(gathered);
  if (refusal) return { action: 'refuse', verdict: refusal };
  const namespaces = [...new Set([operatorNamespace, ...memberNamespaces])];
  const tokenLifetime = spec.authentication?.tokenLifetime ?? defaultTokenLifetime;
  const { spec: statedSpec, former } = stateDefaults(spec, gathered.keepsOldDefaults);
  const asked = readAskedRotations(metadata);
  const timing = { lifetimeMs: parseDurationMs(tokenLifetime), propagationMs };
  const rotations = decideRotations(gathered, asked, timing, nowMs);
  const oldSessionsEndMs = decideSessionsEnd(gathered, rotations.login, propagationMs, nowMs);
  return {
    action: 'apply',
    needsFinalizer: !metadata.finalizers?.includes(finalizer),
    spec: statedSpec,
    tokenKeys: rotations.tokenKeys,
    dataKeys: rotations.dataKeys,
    dataKeysLeakedBeforeMs: past(asked.distrustBeforeMs, nowMs),
    // Somebody may have put a recovered login there, so it is replaced unless the database accepts it.
    renewsLogin: rotations.login.issue || (gathered.isRecovered && gathered.passwordIsRefused),
    connections: decideConnections(spec, gathered.sidecars, gathered.storedLogin),
    endsOldSessions: oldSessionsEndMs !== undefined && oldSessionsEndMs <= nowMs,
    tokenLifetime,
    dataKeysWereLost: storedId !== undefined && credentials === undefined,
    sharedSecret: gathered.sharedSecret && 'value' in gathered.sharedSecret ? gathered.sharedSecret.value : undefined,
    serviceAccounts: decideServiceAccounts(gathered),
    namespaces,
    staleNamespaces: namespacesWithCredentials.filter((namespace) => !namespaces.includes(namespace)),
    sharing: decideSharing(gathered, nowMs, propagationMs),
    problem: sharedSecretProblem(gathered) ?? issuerUnknown(gathered) ?? asked.problem,
    defaults: judgeDefaults(former, gathered.keepsOldDefaults),
    nextRotationMs: earliest([
      ...Object.values(rotations).map(({ nextMs }) => nextMs),
      oldSessionsEndMs !== undefined && oldSessionsEndMs > nowMs ? oldSessionsEndMs - nowMs : undefined,
    ]),
  };
}

/** When sessions from before the current password end. Undefined where there are none. */
function decideSessionsEnd(
  { storedLogin, credentials }: GatheredOrganization,
  login: RotationDecision,
  propagationMs: number,
  nowMs: number,
): number | undefined {
  if (!storedLogin || !credentials) return undefined;
  // After a leak, sessions end at once, without the time that proxies need.
  if (login.issue) return login.distrust.length > 0 ? nowMs : nowMs + propagationMs;
  // Ages are in whole seconds.
  return storedLogin.hasOldSessions ? (credentials.loginIssuedAtS + 1) * 1_000 + propagationMs : undefined;
}

/** Where the issuer cannot be read now, the last known one is used. */
function decideServiceAccounts({
  organization,
  memberNamespaces,
  serviceAccountIssuer,
  credentials,
}: GatheredOrganization): ServiceAccountTokens | undefined {
  const { audience } = organization.spec.authentication?.serviceAccounts ?? {};
  if (audience === undefined || !serviceAccountIssuer) return undefined;
  const known = 'unknown' in serviceAccountIssuer ? credentials?.serviceAccounts : serviceAccountIssuer;
  return known && { issuer: known.issuer, jwks: known.jwks, audience, namespaces: memberNamespaces };
}

function issuerUnknown({ serviceAccountIssuer }: GatheredOrganization): Verdict | undefined {
  if (!serviceAccountIssuer || !('unknown' in serviceAccountIssuer)) return undefined;
  return {
    type: 'CredentialsReady',
    status: false,
    reason: 'ServiceAccountIssuerUnknown',
    message: `Tokens of service accounts, or those with newer keys, cannot be accepted: the API server does not show their issuer (${serviceAccountIssuer.unknown}).`,
  };
}

function decideRotations(
  { organization, signingKeys, credentials }: GatheredOrganization,
  { beforeMs, distrustBeforeMs }: AskedRotations,
  { lifetimeMs, propagationMs }: { readonly lifetimeMs: number; readonly propagationMs: number },
  nowMs: number,
) {
  const { rotation } = organization.spec;
  const policyOf = (every: string | undefined) => ({
    everyMs: every === undefined ? undefined : parseDurationMs(every),
    beforeMs,
    propagationMs,
    retainMs: undefined,
  });
  const login = credentials ? [{ id: 'login', issuedAtS: credentials.loginIssuedAtS }] : [];
  const tokenPolicy = { ...policyOf(rotation?.tokenKeys), retainMs: lifetimeMs, distrustBeforeMs };
  return {
    tokenKeys: decideRotation(ageOfTokenKeys(signingKeys), tokenPolicy, nowMs),
    // After a leak, existing values stay sealed with the leaked key anyway, so the next key still waits until proxies
    // have it.
    dataKeys: decideRotation(ageOfDataKeys(credentials?.dataKeys), policyOf(rotation?.dataKeys), nowMs),
    login: decideRotation(
      login,
      { ...policyOf(rotation?.databasePassword), propagationMs: 0, distrustBeforeMs },
      nowMs,
    ),
  };
}

/** A time that has come. */
function past(momentMs: number | undefined, nowMs: number): number | undefined {
  return momentMs !== undefined && momentMs <= nowMs ? momentMs : undefined;
}

function earliest(moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function sharedSecretProblem({
  organization,
  operatorNamespace,
  sharedSecret,
}: GatheredOrganization): Verdict | undefined {
  const { name, key } = organization.spec.authentication?.sharedSecretRef ?? {};
  const label = `kubectl label secret --namespace ${operatorNamespace} ${name} ${sharedSecretLabel}=${organization.metadata.name}`;
  switch (sharedSecret?.state) {
    case undefined:
    case 'permitted':
      return undefined;
    case 'missing':
      return {
        type: 'CredentialsReady',
        status: false,
        reason: 'SharedSecretMissing',
        message: `Tokens signed with the shared secret are refused: create Secret "${name}" with key "${key}" in namespace ${operatorNamespace}, with the label ${sharedSecretLabel}: ${organization.metadata.name}.`,
      };
    case 'in force':
      return {
        type: 'CredentialsReady',
        status: false,
        reason: 'SharedSecretUnlabelled',
        message: `Tokens signed with the shared secret are accepted until its value changes: Secret "${name}" has no label that allows its use by this Organization. Label it: ${label}`,
      };
    case 'not permitted':
      return {
        type: 'CredentialsReady',
        status: false,
        reason: 'SharedSecretNotPermitted',
        message: `Tokens signed with the shared secret are refused: Secret "${name}" has no label that allows its use by this Organization, or the operator made it. If this Organization may use it, label it: ${label}`,
      };
  }
}

/** Why nothing may be written for the organization. Undefined where it may. */
function judgeNames({
  organization,
  operatorNamespace,
  takenSecrets,
  unprovenCopies,
}: GatheredOrganization): Verdict | undefined {
  const { name } = organization.metadata;
  if (isReservedOrganizationName(name)) {
    return {
      type: 'CredentialsReady',
      status: false,
      reason: 'NameReserved',
      message: `Its Secrets would have the names of other Secrets of the operator, so nothing is written for it any more. What is in force stays in force. Create an Organization of another name, make its resources refer to that one, and delete this one.`,
    };
  }
  if (takenSecrets.length > 0) return secretTaken(takenSecrets);
  if (unprovenCopies.length > 0) {
    const [copy] = unprovenCopies;
    return {
      type: 'CredentialsReady',
      status: false,
      reason: 'CredentialsUnproven',
      message: `The operator's own Secret "${credentialsSecretName(name)}" is lost, and nothing tells whether the copies of it (${unprovenCopies.join(', ')}) are right. Nothing is written until it is back: restore it, or copy Secret "${copy}" to namespace ${operatorNamespace} with its labels if you trust it, or delete the copies if the contents stored so far may be lost.`,
    };
  }
  return undefined;
}

/** @param secrets as `namespace/name` */
export function secretTaken(secrets: readonly string[]): Verdict {
  return {
    type: 'CredentialsReady',
    status: false,
    reason: 'SecretTaken',
    message: `The operator did not make Secret "${secrets.join('", "')}" for this Organization, and does not change it. While it exists, nothing is written for the Organization. Delete or rename it, or give the Organization another name.`,
  };
}

/** The conditions of an organization for which nothing was written. */
export function judgeRefusal(verdict: Verdict): Verdict[] {
  return [{ ...verdict, type: 'Ready' }, verdict];
}

/** The condition types that the operator sets. */
export const conditionTypes: readonly string[] = [
  'Ready',
  'DatabaseReady',
  'CredentialsReady',
  'NamespacesExclusive',
  'DefaultsStated',
  'SharingDeclared',
  'SidecarsCurrent',
  'DatabaseLimited',
  'RulesEffective',
  'RoutesComplete',
  'ProvidersAvailable',
  'ModelsEffective',
  'SupportEffective',
  'GuardrailsUsable',
  'CacheEffective',
  'DeprecationsEffective',
  'WebhooksDeliverable',
  'AccountsUsable',
  'GatewayReady',
  'TrainingReady',
  'AuditIntact',
];

/** The conditions of an organization that could not be applied during an outage of the database. */
export function judgeOutage(reason: string): Verdict[] {
  const message = `The database cannot be used (${reason}). Proxies go on with their current configuration; changes wait until it is back.`;
  return [
    { type: 'Ready', status: false, reason: outageReason, message },
    { type: 'DatabaseReady', status: false, reason: outageReason, message },
  ];
}

/** The condition of an organization that could not be applied repeatedly. */
export function judgeFailure(cause: string): Verdict {
  return { type: 'Ready', status: false, reason: failureReason, message: describeFailure(cause) };
}

/** Why an organization governs nothing: no namespace belongs to it. */
export function judgeMembers({
  organization,
  members: { names, contested },
}: Pick<GatheredOrganization, 'organization' | 'members'>): Verdict | undefined {
  if (names.length > 0) return undefined;
  const [first] = contested;
  if (first) {
    return {
      type: 'Ready',
      status: false,
      reason: 'NoNamespaces',
      message: `Nothing is governed, since every namespace that matches spec.namespaceSelector belongs to an older Organization, such as "${first.name}" to ${first.owner}. Make each namespace match only one selector.`,
    };
  }
  const labels = describeLabels(organization.spec.namespaceSelector);
  const advice =
    labels === '' ? 'Correct spec.namespaceSelector.' : `Label one: kubectl label namespace NAME ${labels}`;
  return {
    type: 'Ready',
    status: false,
    reason: 'NoNamespaces',
    message: `Nothing is governed, since no namespace matches spec.namespaceSelector. ${advice}`,
  };
}

/** Labels that a selector matches, in kubectl's form. Empty where no label makes it match. */
function describeLabels({ matchLabels = {}, matchExpressions = [] }: OrganizationSpec['namespaceSelector']): string {
  const stated = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressed = matchExpressions.flatMap(({ key, operator, values = [] }) => {
    if (operator === 'In') return [`${key}=${values[0]}`];
    return operator === 'Exists' ? [`${key}=true`] : [];
  });
  return [...stated, ...expressed].join(' ');
}

/** A member namespace that could not get the credentials. */
export interface NamespaceFailure {
  readonly namespace: string;
  readonly reason: string;
}

/** A status names only this many namespaces: of a hundred with the same quota, the first ones are enough. */
const mostNamed = 10;

/** The condition where namespaces could not get the credentials. Undefined where all have them. */
export function judgeFailures(failures: readonly NamespaceFailure[]): Verdict | undefined {
  if (failures.length === 0) return undefined;
  const named = failures.slice(0, mostNamed).map(({ namespace, reason }) => `${namespace} (${reason})`);
  const others = failures.length > mostNamed ? ` and ${failures.length - mostNamed} more` : '';
  return {
    type: 'CredentialsReady',
    status: false,
    reason: 'NamespacesWithoutCredentials',
    message: `Pods cannot be governed in these namespaces, which could not get the credentials: ${named.join('; ')}${others}. All others have them.`,
  };
}

/**
 * The conditions of an organization that has been applied.
 *
 * @param idle why it governs nothing, if so
 * @param rules the limits and budgets that its proxies enforce
 * @param keys its bindings in force: without any, the organization is enforced, but every call is refused
 */
export function judgeOrganization(
  problem: Verdict | undefined,
  idle?: Verdict,
  keys?: Pick<CountedKeys, 'inForce' | 'wanted'>,
  rules: Pick<OrganizationSpec, 'limits' | 'budgets' | 'tier'> = {},
): Verdict[] {
  const credentials = problem ?? {
    type: 'CredentialsReady',
    status: true,
    reason: 'Issued',
    message: 'Every member namespace has the credentials for its proxies.',
  };
  return [
    credentials.status
      ? (idle ?? { type: 'Ready', status: true, reason: 'Ready', message: describeEnforced(keys, rules) })
      : { type: 'Ready', status: false, reason: credentials.reason, message: credentials.message },
    {
      type: 'DatabaseReady',
      status: true,
      reason: 'Stored',
      message: 'The database has the organization, its role and its rows.',
    },
    credentials,
  ];
}

function describeEnforced(
  keys: Pick<CountedKeys, 'inForce' | 'wanted'> | undefined,
  rules: Pick<OrganizationSpec, 'limits' | 'budgets' | 'tier'>,
): string {
  if (keys === undefined || keys.inForce > 0)
    return ['The organization is enforced.', ...describeRules(rules)].join(' ');
  const why = keys.wanted === 0 ? 'it has no ApiKeyBinding' : `none of its ${keys.wanted} ApiKeyBindings is in force`;
  return `The organization is enforced, and every call is refused, since ${why}. Look at: kubectl get apikeybindings -A`;
}
