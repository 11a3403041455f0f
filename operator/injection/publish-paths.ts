import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { WebhookConfiguration } from '../certificates/publish.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { publishPath } from './configurations.ts';
import { openWebhookKey } from './webhook-key.ts';

export interface PathPublisherContext {
  readonly client: Pick<ApiClient, 'send'>;
  /** The operator's. */
  readonly namespace: string;
  readonly configurations: readonly WebhookConfiguration[];
  readonly log: Logger;
  /** How often the configurations are looked at, which others write too. */
  readonly intervalMs?: number;
}

export interface PathPublisher {
  /** Resolves once nothing is under way any more. */
  stop(): Promise<void>;
}

/** The chart puts the first two on every operator's pod, and the third since operators serve secret paths. */
const formerOperators = [
  'app.kubernetes.io/name=chaperone',
  'app.kubernetes.io/component=operator',
  '!chaperone.dev/serves-secret-paths',
].join(',');

/** Keeps API servers asking at the secret paths, and the Secret that these come from, until stopped. For the leader alone. */
export function startPathPublisher(context: PathPublisherContext): PathPublisher {
  const { client, configurations, log, intervalMs = 5_000 } = context;
  const stopping = new AbortController();
  let known: Buffer | undefined;
  const publish = async () => {
    const key = await openWebhookKey(context);
    // One that has just been made anew must be known to every operator before any is asked by it: next time.
    const isKnown = known === undefined || known.equals(key);
    known = key;
    if (!isKnown) return;
    for (const configuration of configurations) {
      await publishPath(client, configuration, key, () => isServedByAll(context));
    }
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      await publish().catch((error: unknown) => log.warn({ err: error }, 'the webhook paths could not be published'));
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

/** An operator of a former version answers 404 there, so that pods would be refused for as long as one is asked. */
async function isServedByAll({ client, namespace, log }: PathPublisherContext): Promise<boolean> {
  const { items } = await client.send<{ items: readonly unknown[] }>({
    method: 'GET',
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { labelSelector: formerOperators, fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' },
  });
  if (items.length > 0)
    log.info({ former: items.length }, 'the webhook paths wait for operators of a former version to end');
  return items.length === 0;
}
