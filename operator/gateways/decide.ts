import type { Organization, OrganizationSpec, OrganizationStatus } from '../../crds/resources.generated.ts';
import type { Secret } from '../cluster/cluster.ts';
import { isOperatorMade } from '../cluster/owned.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { rolloutState } from '../sidecars/rollout.ts';
import { servicePortOf } from './desired.ts';
import { certificateLabel, gatewayName } from './names.ts';
import type { GatewayDeployment } from './objects.ts';

type Gateway = NonNullable<OrganizationSpec['gateway']>;

const notReady = (reason: string, message: string): Verdict => ({
  ...{ type: 'GatewayReady', status: false },
  reason,
  message,
});

/** Why the operator runs no gateway: it has no rights, or no image. */
export const gatewaysOff: Verdict = notReady(
  'GatewaysOff',
  'The operator runs no gateways. The chart value operator.runsGateways lets it.',
);

/** On one machine, the organization's only proxy serves everyone. */
export const localGateway: Verdict = {
  ...{ type: 'GatewayReady', status: true, reason: 'LocalProxy' },
  message: 'On one machine, the organization has one proxy, which serves all clients.',
};

/** The base URL of a gateway within the cluster. */
export function addressOf(organization: string, gateway: Gateway, namespace: string): string {
  const host = `${gatewayName(organization)}.${namespace}.svc`;
  const port = servicePortOf(gateway);
  const [scheme, usual] = gateway.tls ? ['https', 443] : ['http', 80];
  return `${scheme}://${host}${port === usual ? '' : `:${port}`}/v1`;
}

/**
 * Why a gateway's certificate cannot be used. The operator mounts the Secret with its own rights, not with those of the
 * Organization's writer, so the Secret itself must permit it.
 */
export function judgeCertificate(
  { metadata }: Pick<Organization, 'metadata'>,
  { tls }: Gateway,
  secret: Secret | undefined,
  namespace: string,
): Verdict | undefined {
  if (!tls) return undefined;
  const name = `${namespace}/${tls.secretName}`;
  const has = (key: string) => (secret?.data[key]?.length ?? 0) > 0;
  if (!secret || !has('tls.crt') || !has('tls.key')) {
    const message = `Secret ${name}, which spec.gateway.tls names, ${secret ? 'lacks tls.crt or tls.key' : 'does not exist'}. Pods wait for it. Make it with: kubectl create secret tls ${tls.secretName} --namespace ${namespace} --cert FILE --key FILE`;
    return notReady('CertificateMissing', message);
  }
  if (isOperatorMade(secret) || secret.metadata.labels?.[certificateLabel] !== metadata.name) {
    const message = `Secret ${name} does not permit its use. Permit it with: kubectl label secret ${tls.secretName} --namespace ${namespace} ${certificateLabel}=${metadata.name}`;
    return notReady('CertificateNotPermitted', message);
  }
  return undefined;
}

/** The namespaces in `spec.gateway.namespaces` that do not belong to the organization. */
export function judgeNamespaces({ namespaces = [] }: Gateway, members: readonly string[]): Verdict | undefined {
  const others = namespaces.filter((name) => !members.includes(name));
  if (others.length === 0) return undefined;
  const message = `The gateway runs without the keys of these namespaces of spec.gateway.namespaces, which do not belong to the Organization: ${others.join(', ')}. Label them as spec.namespaceSelector says, or remove them from the list.`;
  return notReady('GatewayNamespacesNotMembers', message);
}

/** The state of a gateway's pods. */
export function judgePods(deployment: GatewayDeployment, address: string): Verdict {
  const { readyReplicas: ready = 0 } = deployment.status ?? {};
  const { replicas: wanted = 1 } = deployment.spec;
  const count = `${ready} of ${wanted} ${wanted === 1 ? 'pod is' : 'pods are'} ready`;
  const look = `Look at: kubectl describe pods --namespace ${deployment.metadata.namespace} --selector chaperone.dev/gateway-of=${deployment.metadata.labels?.['chaperone.dev/gateway-of']}`;
  switch (rolloutState('Deployment', deployment)) {
    case 'complete':
      return {
        ...{ type: 'GatewayReady', status: true, reason: 'GatewayReady' },
        message: `${count}. Clients in the cluster use ${address}.`,
      };
    case 'underWay':
      return notReady('GatewayProgressing', `${count}. ${look}`);
    case 'stuck':
      return notReady('GatewayStuck', `The pods do not come up: ${count}. ${look}`);
  }
}

/** Why the API server does not take an object of a gateway. */
export function judgeRefused(kind: string, why: string): Verdict {
  return notReady('GatewayRefused', `The API server refuses the ${kind} of the gateway: ${why}`);
}

export function judgeTaken(kind: string, path: string): Verdict {
  const message = `${kind} ${path} already exists and was not made for this Organization; the operator does not change it. Delete or rename it.`;
  return notReady('GatewayNameTaken', message);
}

/** The gateway's part of the status. */
export function statusOf(
  { spec, status }: GatewayDeployment,
  address: string,
): NonNullable<OrganizationStatus['gateway']> {
  return { address, replicas: spec.replicas ?? 1, readyReplicas: status?.readyReplicas ?? 0 };
}
