import { join, resolve } from 'node:path';
import { operatorNamespace, workerSecretName } from '../../operator/credentials.ts';

/** The files that `chaperone up` keeps in its data directory. */
export function statePaths(data: string) {
  const root = resolve(data);
  const state = join(root, 'state');
  return {
    root,
    postgres: join(root, 'postgres'),
    state,
    secrets: join(state, 'secrets'),
    log: join(root, 'chaperone.log'),
    /** The current problems of the YAML, for `chaperone check`. */
    problems: join(root, 'problems.json'),
    proxy: (organization: string) => join(root, 'proxies', organization),
    /** What the operator hands out to the worker. */
    workerCredentials: join(state, 'secrets', operatorNamespace, workerSecretName(0)),
    worker: join(root, 'worker'),
    /** The ports of an organization's proxy, for `chaperone check`. */
    proxyAddress: (organization: string) => join(root, 'proxies', organization, 'address.json'),
  };
}
