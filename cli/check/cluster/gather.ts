import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { apiVersion, type CustomKind, customKinds } from '../../../crds/definition.ts';
import { customKindEntries } from '../../../crds/kinds.generated.ts';
import type {
  AnalysisConfig,
  ApiKeyBinding,
  Organization,
  Persona,
  Resources,
} from '../../../crds/resources.generated.ts';
import type { ApiClient } from '../../../operator/cluster/kubernetes/api-client.ts';
import { isNotFound } from '../../../operator/cluster/kubernetes/api-error.ts';
import { webhookCertificateSecretName } from '../../../operator/credentials.ts';
import { type Gathered, Unreadable } from '../check.ts';
import { describeError } from '../describe-error.ts';
import type { ClusterFacts, DefinitionFacts, GuardPolicy, MemberFacts, PreFacts, ServerAnswer } from './facts.ts';
import { toInstalledWebhooks } from './facts.ts';
import { gatherMemberPods, gatherPods } from './gather-pods.ts';
import { gatherRefusals } from './gather-refusals.ts';
import { gatherImages, type ImageQuestion } from './images.ts';
import { readLeaderLease } from './leader-lease.ts';
import { missingRightOf } from './missing-right.ts';
import type {
  ApiSecret,
  CustomResourceDefinition,
  Deployment,
  EndpointSlice,
  Lease,
  MetaOnly,
  PolicyBinding,
  WebhookConfiguration,
} from './objects.ts';
import { makeReader, type Reader } from './reader.ts';
import { listMissingRights } from './rights.ts';

type CustomResource = Resources[keyof Resources];

export interface GatherOptions {
  readonly client: ApiClient;
  /** The operator's namespace. */
  readonly namespace: string;
  /** The only namespace that is checked. Absent: all. */
  readonly scope?: string | undefined;
  readonly ownVersion: string;
}

/** The CustomResourceDefinitions of this version. */
const definitionDirectory = join(import.meta.dirname, '..', '..', '..', 'crds');

/** The volume of the webhook's certificate, where the operator does not make it. */
const certificateVolume = 'webhook-certificate';

/** The Lease by which operators elect their leader. */
const leaseName = 'chaperone-operator';
const serverHint = 'Make `kubectl version` work with the same kubeconfig and context.';
const operatorLabels = 'app.kubernetes.io/name=chaperone,app.kubernetes.io/component=operator';

/** Gathers the facts for the checks before an install. */
export async function gatherPreFacts(options: GatherOptions, question: ImageQuestion): Promise<Gathered<PreFacts>> {
  const { client, namespace } = options;
  const server = await attempt('The API server', readServer(client), serverHint);
  if (server instanceof Unreadable) {
    return {
      server,
      ...allUnreadable(server),
      memberships: server,
      memberPods: server,
      missingRights: server,
      images: server,
    };
  }
  const missingRights = attempt('Your rights', listMissingRights(client, namespace));
  const reader = makeReader(client);
  const members = gatherMembers(reader);
  const images = attempt('Images', gatherImages(options, reader, question));
  return {
    server,
    ...(await gatherDefinitions(reader)),
    ...(await members),
    missingRights: await missingRights,
    images: await images,
  };
}

/** Gathers the facts about an installation. It writes nothing. */
export async function gatherClusterFacts(options: GatherOptions): Promise<Gathered<ClusterFacts>> {
  const { client, namespace, scope, ownVersion } = options;
  const reader = makeReader(client);
  const { list, find } = reader;
  const server = await attempt('The API server', readServer(client), serverHint);
  const isDown = server instanceof Unreadable;
  // If the server cannot be reached, one failure is enough.
  const read = <T>(what: string, reading: () => Promise<T>) =>
    isDown ? Promise.resolve(server) : attempt(what, reading());
  const inNamespace = (group: string, resource: string) => `/apis/${group}/namespaces/${namespace}/${resource}`;
  const within = scope === undefined ? '' : `namespaces/${scope}/`;
  const custom = <O extends CustomResource>(plural: string) =>
    list<O & MetaOnly>(`/apis/${apiVersion}/${plural === 'organizations' ? '' : within}${plural}`);

  const definitions = isDown ? allUnreadable(server) : gatherDefinitions(reader);
  const deployments = await read('The operator Deployment', () =>
    list<Deployment>(inNamespace('apps/v1', 'deployments'), { labelSelector: operatorLabels }),
  );
  const facts = {
    lease: read('The leader Lease', () => {
      const findLease = () => find<Lease>(inNamespace('coordination.k8s.io/v1', `leases/${leaseName}`));
      return isRunning(deployments) ? readLeaderLease(findLease) : findLease();
    }),
    webhooks: read('The webhook configurations', () => readWebhooks(reader, namespace)),
    guards: read('Admission policies', () => readGuards(reader)),
    endpoints: read('EndpointSlices', () => list<EndpointSlice>(inNamespace('discovery.k8s.io/v1', 'endpointslices'))),
    certificate: read('The webhook certificate', () =>
      readCertificate(reader, namespace, deployments instanceof Unreadable ? [] : deployments),
    ),
    organizations: read('Organizations', () => custom<Organization>('organizations')),
    personas: read('Personas', () => custom<Persona>('personas')),
    bindings: read('ApiKeyBindings', () => custom<ApiKeyBinding>('apikeybindings')),
    analysisConfigs: read('AnalysisConfigs', () => custom<AnalysisConfig>('analysisconfigs')),
    namespaces: read('Namespaces', () => readNamespaces(reader, scope)),
    organizationSecrets: read("Organizations' Secrets", () =>
      reader.listMeta(`/api/v1/${within}secrets`, { labelSelector: 'chaperone.dev/organization' }),
    ),
    pods: read('Pods', () => gatherPods(reader, scope)),
    refusals: read('Events of refused pods', () => gatherRefusals(reader, scope)),
  };
  return {
    server,
    namespace,
    scope,
    ownVersion,
    ...(await definitions),
    deployments,
    lease: await facts.lease,
    webhooks: await facts.webhooks,
    guards: await facts.guards,
    endpoints: await facts.endpoints,
    certificate: await facts.certificate,
    organizations: await facts.organizations,
    personas: await facts.personas,
    bindings: await facts.bindings,
    analysisConfigs: await facts.analysisConfigs,
    namespaces: await facts.namespaces,
    organizationSecrets: withoutRight(await facts.organizationSecrets),
    pods: await facts.pods,
    refusals: await facts.refusals,
    ...(isDown ? { memberships: server, memberPods: server } : await gatherMembers(reader, scope)),
  };
}

/** Whether an operator runs that can take the Lease. */
function isRunning(deployments: readonly Deployment[] | Unreadable): boolean {
  return !(deployments instanceof Unreadable) && deployments.some(({ status }) => (status?.availableReplicas ?? 0) > 0);
}

async function gatherMembers(reader: Reader, scope?: string): Promise<Gathered<MemberFacts>> {
  const listed = reader.list<Organization & MetaOnly>(`/apis/${apiVersion}/organizations`).catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });
  const memberships = await attempt('Organizations', listed);
  if (memberships instanceof Unreadable) return { memberships, memberPods: memberships };
  return { memberships, memberPods: await attempt('Pods', gatherMemberPods(reader, memberships, scope)) };
}

async function attempt<T>(what: string, reading: Promise<T>, hint?: string): Promise<T | Unreadable> {
  try {
    return await reading;
  } catch (error) {
    return new Unreadable(what, describeError(error), { hint, missingRight: missingRightOf(error) });
  }
}

/** Few users may list Secrets. The checks do without them and use what the operator reports. */
function withoutRight<T>(fact: T | Unreadable): T | Unreadable | undefined {
  return fact instanceof Unreadable && fact.missingRight !== undefined ? undefined : fact;
}

function allUnreadable(reason: Unreadable): { [Name in keyof DefinitionFacts]: Unreadable } {
  return { expectedDefinitions: reason, definitions: reason };
}

async function readServer(client: ApiClient): Promise<ServerAnswer> {
  const { gitVersion: version } = await client.send<{ gitVersion: string }>({ method: 'GET', path: '/version' });
  // Kubernetes has this since 1.28. The check of the version reports an older one.
  const review = await client
    .send<{ metadata: { creationTimestamp?: string }; status: { userInfo: { username: string } } }>({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    })
    .catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  const time = review?.metadata.creationTimestamp;
  return {
    version,
    user: review?.status.userInfo.username ?? 'somebody',
    nowMs: time === undefined ? Date.now() : Date.parse(time),
  };
}

/** Reads a definition in crds/. */
function readExpected(kind: CustomKind): CustomResourceDefinition {
  return parse(readFileSync(join(definitionDirectory, customKindEntries[kind].file), 'utf8'));
}

async function gatherDefinitions({ list }: Reader): Promise<Gathered<DefinitionFacts>> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const installed = attempt('CustomResourceDefinitions', list<CustomResourceDefinition>(path));
  const definitions = await installed;
  return {
    expectedDefinitions: customKinds.map(readExpected),
    definitions:
      definitions instanceof Unreadable
        ? definitions
        : definitions.filter(({ metadata }) => metadata.name.endsWith('.chaperone.dev')),
  };
}

async function readNamespaces({ find, listMeta }: Reader, scope: string | undefined): Promise<readonly MetaOnly[]> {
  if (scope === undefined) return listMeta('/api/v1/namespaces');
  const found = await find<MetaOnly>(`/api/v1/namespaces/${scope}`);
  return found ? [found] : [];
}

/** Reads Chaperone's admission policies. A policy without a binding refuses nothing. */
async function readGuards({ list, listMeta }: Reader): Promise<readonly GuardPolicy[]> {
  const path = '/apis/admissionregistration.k8s.io/v1';
  const labelSelector = 'app.kubernetes.io/name=chaperone';
  const [policies, bindings] = await Promise.all([
    listMeta(`${path}/validatingadmissionpolicies`, { labelSelector }),
    list<PolicyBinding>(`${path}/validatingadmissionpolicybindings`, { labelSelector }),
  ]);
  return policies.map(({ metadata: { name } }) => ({
    name,
    denies: bindings.some(({ spec }) => spec.policyName === name && spec.validationActions?.includes('Deny')),
  }));
}

async function readWebhooks({ list }: Reader, namespace: string): Promise<ClusterFacts['webhooks']> {
  const path = '/apis/admissionregistration.k8s.io/v1';
  const [mutating, validating] = await Promise.all([
    list<WebhookConfiguration>(`${path}/mutatingwebhookconfigurations`),
    list<WebhookConfiguration>(`${path}/validatingwebhookconfigurations`),
  ]);
  return [
    ...toInstalledWebhooks('MutatingWebhookConfiguration', mutating, namespace),
    ...toInstalledWebhooks('ValidatingWebhookConfiguration', validating, namespace),
  ];
}

async function readCertificate(
  { find }: Reader,
  namespace: string,
  deployments: readonly Deployment[],
): Promise<ClusterFacts['certificate']> {
  const volumes = deployments.flatMap(({ spec }) => spec.template.spec.volumes ?? []);
  const mounted = volumes.find(({ name }) => name === certificateVolume)?.secret?.secretName;
  const secretName = mounted ?? webhookCertificateSecretName;
  const secret = await find<ApiSecret>(`/api/v1/namespaces/${namespace}/secrets/${secretName}`);
  // The check does not use the private key in the same Secret.
  const chain = Buffer.from(secret?.data?.['tls.crt'] ?? '', 'base64').toString('utf8');
  return { secretName, isOperatorMade: mounted === undefined, chain };
}
