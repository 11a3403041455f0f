import { join, resolve } from 'node:path';

/** Where `chaperone up` keeps what, below its data directory. */
export function statePaths(data: string) {
  const root = resolve(data);
  const state = join(root, 'state');
  return {
    root,
    postgres: join(root, 'postgres'),
    state,
    secrets: join(state, 'secrets'),
    log: join(root, 'chaperone.log'),
    /** What is wrong with the YAML now, for `chaperone check`. */
    problems: join(root, 'problems.json'),
    proxy: (organization: string) => join(root, 'proxies', organization),
    /** The ports of an organization's proxy, for `chaperone check`. */
    proxyAddress: (organization: string) => join(root, 'proxies', organization, 'address.json'),
  };
}
