import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { operatorNamespace } from '../operator/credentials.ts';
import { statePaths } from './local/state.ts';

/** The options that name an installation. */
export interface InstallationOptions {
  /** The data directory of a `chaperone up`. */
  readonly data?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** The operator's namespace. */
  readonly namespace?: string;
}

/** A `chaperone up` on this machine, or an operator in a cluster. */
export type Installation =
  | { readonly kind: 'local'; readonly data: string }
  | ({ readonly kind: 'cluster' } & ClusterInstallation);

export interface ClusterInstallation {
  /** The operator's namespace. */
  readonly namespace: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

const defaultData = '.chaperone';

/**
 * Chooses the installation: the named one, else the `chaperone up` of this directory, else the cluster that kubectl
 * finds.
 *
 * @param directory where a `chaperone up` would have its data
 * @throws where both are named
 */
export function chooseInstallation(
  { data, kubeconfig, context, namespace }: InstallationOptions,
  environment: NodeJS.ProcessEnv,
  directory = '.',
): Installation {
  const namesCluster = kubeconfig !== undefined || context !== undefined || namespace !== undefined;
  if (namesCluster && data !== undefined) {
    throw new Error('--data names a `chaperone up`; it does not go with --kubeconfig, --context or --namespace');
  }
  const isLocal =
    data !== undefined || existsSync(statePaths(join(directory, defaultData)).state) || !hasKubeConfig(environment);
  if (!namesCluster && isLocal) return { kind: 'local', data: data ?? defaultData };
  return {
    kind: 'cluster',
    namespace: namespace ?? operatorNamespace,
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  };
}

/** Whether kubectl would find a cluster: in the environment, in the home directory, or from a pod's service account. */
export function hasKubeConfig({ KUBECONFIG, KUBERNETES_SERVICE_HOST }: NodeJS.ProcessEnv): boolean {
  return Boolean(KUBECONFIG || KUBERNETES_SERVICE_HOST) || existsSync(join(homedir(), '.kube', 'config'));
}
