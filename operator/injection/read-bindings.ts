import type { Logger } from 'pino';
import { apiVersion } from '../../crds/definition.ts';
import type { ApiKeyBinding } from '../../crds/resources.generated.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';

/** Reads the ApiKeyBindings of a namespace. Undefined: the API server does not answer in time. */
export type ReadBindings = (namespace: string) => Promise<readonly ApiKeyBinding[] | undefined>;

/** Short, since the API server waits for the webhook. */
const timeoutMs = 2_000;

/**
 * Makes a reader of bindings as the API server has them. A replica's cache may be behind, for half a minute after a watch
 * was refused. A pod that gets no key then has none for its whole life, although its binding is Ready.
 */
export function makeBindingReader(client: Pick<ApiClient, 'send'>, log: Logger): ReadBindings {
  return async (namespace) => {
    try {
      const { items } = await client.send<{ items: readonly ApiKeyBinding[] }>({
        method: 'GET',
        path: `/apis/${apiVersion}/namespaces/${namespace}/apikeybindings`,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return items;
    } catch (error) {
      log.warn({ err: error, namespace }, 'cannot read whether a pod has a key; deciding by the cache');
      return undefined;
    }
  };
}
