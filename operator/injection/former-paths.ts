import type { WebhookConfiguration } from '../certificates/publish.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { namesFormerPath } from './configurations.ts';

export interface FormerPathsContext {
  readonly client: Pick<ApiClient, 'send'>;
  readonly configurations: readonly WebhookConfiguration[];
  readonly now?: () => number;
}

/** How long what was seen of the configurations holds. */
const cacheMs = 5_000;
/** API servers follow a configuration within a second; one that is told of nothing for a minute has other troubles. */
const graceMs = 60_000;

/**
 * Tells whether API servers may still ask at the paths without a secret, as they do in an upgrade from a version that
 * has none: while a configuration names one, and a minute longer. The configurations are read when somebody asks there,
 * which nobody but a stranger does after that.
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
