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
    proxy: (organization: string) => join(root, 'proxies', organization),
  };
}
