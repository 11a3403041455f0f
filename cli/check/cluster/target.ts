import { KubeConfig } from '@kubernetes/client-node';

/** The kubeconfig and its context. */
export interface TargetOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/**
 * Loads the kubeconfig as kubectl does.
 *
 * @throws Error where the file or the context is missing
 */
export function loadKubeConfig({ kubeconfig, context }: TargetOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  // The library's default where it finds none.
  if (config.getCurrentCluster()?.server === 'http://localhost:8080' && kubeconfig === undefined) {
    throw new Error(
      'There is no kubeconfig where kubectl looks for one: set KUBECONFIG, or name one with --kubeconfig',
    );
  }
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster()) return config;
  throw new Error(`The kubeconfig has no context "${config.getCurrentContext()}"`);
}
