import type { Organization, OrganizationStatus } from '../../crds/resources.generated.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ApiError } from '../cluster/kubernetes/api-error.ts';
import { pathOf } from '../cluster/object-key.ts';
import type { Verdict } from '../runtime/conditions.ts';
import {
  addressOf,
  gatewaysOff,
  judgeCertificate,
  judgeNamespaces,
  judgePods,
  judgeRefused,
  judgeTaken,
  localGateway,
  statusOf,
} from './decide.ts';
import { type GatewayObject, type GatewaySettings, gatewayKinds, makeGateway } from './desired.ts';
import { gatewayName } from './names.ts';
import { type GatewayDeployment, type GatewayObjects, isMadeFor } from './objects.ts';
import type { GatewayWatch } from './watch.ts';

export interface GatewayContext {
  readonly objects: GatewayObjects;
  readonly settings: GatewaySettings;
  readonly watch: Pick<GatewayWatch, 'has' | 'subscribe'>;
}

/** What the status says about a gateway. */
export interface GatewayOutcome {
  readonly verdict: Verdict;
  readonly status?: NonNullable<OrganizationStatus['gateway']>;
}

/**
 * Makes the gateway's objects as the spec says, and removes what it no longer asks for.
 *
 * @param members the namespaces that belong to the organization
 * @returns undefined where the Organization has no gateway
 */
export async function reconcileGateway(
  context: GatewayContext | undefined,
  cluster: Pick<Cluster, 'get'>,
  organization: Organization,
  members: readonly string[],
  isOneMachine: boolean,
): Promise<GatewayOutcome | undefined> {
  const { gateway } = organization.spec;
  if (isOneMachine || !context) {
    if (!gateway) return undefined;
    return { verdict: isOneMachine ? localGateway : gatewaysOff };
  }
  if (!gateway) {
    await removeGateway(context, organization);
    return undefined;
  }
  const { namespace } = context.settings;
  const secret = gateway.tls && cluster.get('Secret', namespace, gateway.tls.secretName);
  const certificate = judgeCertificate(organization, gateway, secret, namespace);
  // Its key must not be mounted.
  if (certificate?.reason === 'CertificateNotPermitted') return { verdict: certificate };
  const address = addressOf(organization.metadata.name, gateway, namespace);
  const applied = await applyGateway(context, organization, gateway);
  if ('reason' in applied) return { verdict: applied };
  const verdict = certificate ?? judgeNamespaces(gateway, members) ?? judgePods(applied, address);
  return { verdict, status: statusOf(applied, address) };
}

/** Removes the objects of an Organization's gateway, if it had one. */
export async function removeGateway(
  { objects, watch }: GatewayContext,
  { metadata, status }: Organization,
): Promise<void> {
  if (!status?.gateway && !watch.has(metadata.name)) return;
  for (const kind of gatewayKinds) await objects.remove(kind, gatewayName(metadata.name), metadata.uid);
}

/** @returns the Deployment, or why there is none */
async function applyGateway(
  { objects, settings }: GatewayContext,
  organization: Organization,
  gateway: NonNullable<Organization['spec']['gateway']>,
): Promise<GatewayDeployment | Verdict> {
  const { name, uid } = organization.metadata;
  const current = (await objects.find('Deployment', gatewayName(name))) as GatewayDeployment | undefined;
  const wanted = makeGateway(organization, gateway, settings, current?.spec.replicas);
  let deployment: GatewayDeployment | undefined;
  for (const object of wanted) {
    const found = object.kind === 'Deployment' ? current : await objects.find(object.kind, object.metadata.name);
    if (found && !isMadeFor(found, uid)) return judgeTaken(object.kind, pathOf(object.metadata));
    const applied = await applyOne(objects, object);
    if ('reason' in applied) return applied;
    if (object.kind === 'Deployment') deployment = applied as GatewayDeployment;
  }
  for (const kind of gatewayKinds) {
    if (!wanted.some((object) => object.kind === kind)) await objects.remove(kind, gatewayName(name), uid);
  }
  return deployment ?? judgeRefused('Deployment', 'it is missing');
}

/** A quota or an admission policy is reported. Anything else is tried again. */
async function applyOne(objects: GatewayObjects, object: GatewayObject) {
  try {
    return await objects.apply(object);
  } catch (error) {
    if (error instanceof ApiError && [400, 403, 422].includes(error.status)) {
      return judgeRefused(object.kind, error.message);
    }
    throw error;
  }
}
