import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { WebhookConfiguration } from '../certificates/publish.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { publishPath } from './configurations.ts';
import { openWebhookKey } from './webhook-key.ts';

export interface PathPublisherContext {
  readonly client: Pick<ApiClient, 'send'>;
  /** The operator's namespace. */
  readonly namespace: string;
  readonly configurations: readonly WebhookConfiguration[];
  readonly log: Logger;
  /** How often to check the configurations, which others write, too. */
  readonly intervalMs?: number;
}

export interface PathPublisher {
  /** Stops, and resolves when nothing is running any more. */
  stop(): Promise<void>;
}

/** The chart puts the first two labels on every operator's pod, and the third since operators serve secret paths. */
const formerOperators = [
  'app.kubernetes.io/name=chaperone',
  'app.kubernetes.io/component=operator',
  '!chaperone.dev/serves-secret-paths',
].join(',');

/**
 * Keeps the secret paths in the webhook configurations, and the Secret that they derive from, until stopped. Only the
 * leader runs it.
 */
export function startPathPublisher(context: PathPublisherContext): PathPublisher {
  const { client, configurations, log, intervalMs = 5_000 } = context;
  const stopping = new AbortController();
  let known: Buffer | undefined;
  const publish = async () => {
    const key = await openWebhookKey(context);
    // Every operator must know a new key before API servers use its path, so publish it at the next round.
    const isKnown = known === undefined || known.equals(key);
    known = key;
    if (!isKnown) return;
    for (const configuration of configurations) {
      await publishPath(client, configuration, key, () => isServedByAll(context));
    }
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      await publish().catch((error: unknown) => log.warn({ err: error }, 'cannot publish the webhook paths'));
      await delay(intervalMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** An older operator answers 404 at the secret paths, so pods would be refused while one runs. */
async function isServedByAll({ client, namespace, log }: PathPublisherContext): Promise<boolean> {
  const { items } = await client.send<{ items: readonly unknown[] }>({
    method: 'GET',
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { labelSelector: formerOperators, fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' },
  });
  if (items.length > 0)
    log.info({ former: items.length }, 'publishing the webhook paths waits until older operators have ended');
  return items.length === 0;
}
