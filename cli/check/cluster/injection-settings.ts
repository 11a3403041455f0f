import {
  defaultSidecar,
  httpClients,
  type InjectionSettings,
  imagePullPolicies,
} from '../../../operator/injection/settings.ts';
import type { Deployment } from './objects.ts';

/** The settings for new pods, read from the arguments in the operator's Deployment. */
export function injectionSettingsOf(deployments: readonly Deployment[], operatorNamespace: string): InjectionSettings {
  const args = deployments.flatMap(({ spec }) =>
    spec.template.spec.containers.flatMap((container) => container.args ?? []),
  );
  const read = (flag: string) => {
    const prefix = `--${flag}=`;
    return args.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
  };
  const pullPolicy = read('image-pull-policy');
  const imagePullPolicy = imagePullPolicies.find((policy) => policy === pullPolicy);
  const imagePullSecrets = read('image-pull-secrets')?.split(',');
  const upstreamUrl = read('upstream');
  const resources = read('sidecar-resources');
  const egressProxy = read('sidecar-egress-proxy');
  const noProxy = read('sidecar-no-proxy');
  const httpClientName = read('sidecar-http-client');
  const httpClient = httpClients.find((client) => client === httpClientName);
  const endpoint = read('sidecar-traces-endpoint');
  const ratio = Number(read('sidecar-traces-ratio') ?? 1);
  const dataSizeLimit = read('sidecar-data-limit');
  return {
    ...defaultSidecar,
    operatorNamespace,
    image: read('image') ?? '',
    ...(imagePullPolicy && { imagePullPolicy }),
    ...(imagePullSecrets && { imagePullSecrets }),
    ...(upstreamUrl !== undefined && { upstreamUrl }),
    ...(egressProxy !== undefined && { egressProxy }),
    ...(noProxy !== undefined && { noProxy }),
    ...(httpClient && { httpClient }),
    ...(endpoint !== undefined && { traces: { endpoint, ratio } }),
    ...(dataSizeLimit !== undefined && { dataSizeLimit }),
    ...(resources !== undefined && { resources: JSON.parse(resources) }),
  };
}
