import type { WebhookConfiguration } from '../certificates/publish.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { namesFormerPath } from './configurations.ts';

export interface FormerPathsContext {
  readonly client: Pick<ApiClient, 'send'>;
  readonly configurations: readonly WebhookConfiguration[];
  readonly now?: () => number;
}

/** How long to reuse what was read of the configurations. */
const cacheMs = 5_000;
/** API servers follow a configuration within a second, so a minute is ample. */
const graceMs = 60_000;

/**
 * Decides whether API servers may still call the paths without a secret, as during an upgrade from a version that had
 * only those. They may while a configuration names such a path, and for a minute longer. The configurations are read
 * only when a request comes to such a path; after the upgrade, only strangers send one.
 */
export function followFormerPaths({
  client,
  configurations,
  now = Date.now,
}: FormerPathsContext): () => Promise<boolean> {
  let lookedAtMs = -Infinity;
  let namedAtMs = -Infinity;
  let looking: Promise<void> | undefined;
  const look = async () => {
    const named = await Promise.all(configurations.map((configuration) => namesFormerPath(client, configuration)));
    lookedAtMs = now();
    if (named.includes(true)) namedAtMs = now();
  };
  return async () => {
    if (now() - lookedAtMs >= cacheMs) {
      looking ??= look().finally(() => {
        looking = undefined;
      });
      await looking;
    }
    return now() - namedAtMs < graceMs;
  };
}
