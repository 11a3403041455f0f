import { KubeConfig } from '@kubernetes/client-node';

/** Which cluster, and as whom. */
export interface TargetOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/**
 * The kubeconfig, found as kubectl finds it.
 *
 * @throws Error where the file or the context is not there
 */
export function loadKubeConfig({ kubeconfig, context }: TargetOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  // What the library makes up where it finds none.
  if (config.getCurrentCluster()?.server === 'http://localhost:8080' && kubeconfig === undefined) {
    throw new Error('There is no kubeconfig where kubectl looks for one: set KUBECONFIG, or name one by --kubeconfig');
  }
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster()) return config;
  throw new Error(`The kubeconfig has no context "${config.getCurrentContext()}"`);
}
