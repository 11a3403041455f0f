import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ResourceRequest } from '../../database/audit/requests.ts';
import { makeRequestKeeper } from '../audit/requests.ts';
import type { CertificateSource } from '../certificates/source.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { type AdmissionContext, makeMutate, makeValidate } from './admit.ts';
import { makePodEventRecorder } from './events.ts';
import { makeInjectionMetrics } from './metrics.ts';
import { makeBindingReader } from './read-bindings.ts';
import type { InjectionSettings } from './settings.ts';
import { proofKeyOf, type WebhookKeys, webhookOf } from './webhook-key.ts';
import { makeWebhookServer, type Route } from './webhook-server.ts';

export interface InjectionContext {
  /** Must be started, with warm caches. */
  readonly cluster: Pick<Cluster, 'get' | 'list' | 'subscribe'>;
  /** For Events, and for bindings that the cache does not have. */
  readonly client: Pick<ApiClient, 'send'>;
  readonly certificates: CertificateSource;
  readonly settings: InjectionSettings;
  /** Keeps who asks for changes of resources. */
  readonly keepRequest: (request: ResourceRequest) => Promise<void>;
  /** The keys of the secret paths, which identify API servers. */
  readonly keys: WebhookKeys;
  /** Whether API servers may still call `/mutate` and `/validate` without a secret, as older versions did. */
  readonly usesFormerPaths?: () => Promise<boolean>;
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  /** The name of this operator's pod, for Events. */
  readonly instance: string;
  /** `stop` keeps serving until this resolves, when API servers know that this replica is going away. */
  readonly drained?: () => Promise<unknown>;
  readonly log: Logger;
  readonly registry: Registry;
}

export interface Injection {
  readonly port: number;
  /** Why no API server can call the webhooks. Undefined: they can be called. */
  notReady(): string | undefined;
  /** Waits for running requests, then stops. */
  stop(): Promise<void>;
}

const drainMs = 3_000;
const sweepMs = 50;

/**
 * Serves the webhooks below `/mutate` and `/validate` until stopped. Every replica does, not only the leader. A new
 * certificate applies from the next connection on.
 *
 * @throws where the port is taken
 */
export async function startInjection(context: InjectionContext): Promise<Injection> {
  const { client, certificates, log, registry, host = '0.0.0.0', drained = () => delay(drainMs) } = context;
  const metrics = makeInjectionMetrics(registry);
  const recordEvent = makePodEventRecorder(client, log, context.instance);
  const server = makeWebhookServer(makeRoute(context, { metrics, recordEvent }), log);
  await once(server.listen(context.port, host), 'listening');

  let hasCertificate = false;
  const stopFollowing = certificates(({ certificate, privateKey }) => {
    server.setSecureContext({ cert: certificate, key: privateKey });
    hasCertificate = true;
    const { validToDate, serialNumber } = new X509Certificate(certificate);
    metrics.certificateExpiry.set(validToDate.getTime() / 1_000);
    log.info({ serialNumber, expiresAt: validToDate }, 'serving the webhooks with a new certificate');
  });
  return {
    port: portOf(server.address()),
    notReady: () => (hasCertificate ? undefined : 'the webhooks have no certificate yet'),
    async stop() {
      stopFollowing();
      // API servers reuse connections. Closing one just as a request arrives would refuse a pod. So while requests may
      // come, each connection is closed together with an answer.
      server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
      await drained();
      const closed = once(server, 'close');
      server.close();
      // Connections that were busy at `close` would otherwise stay open and idle for a long time.
      const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
      await closed;
      clearInterval(sweep);
    },
  };
}

/** Routes the webhooks at their secret paths and, during an upgrade, at the paths without a secret. */
function makeRoute(
  { cluster, client, settings, keys, keepRequest, usesFormerPaths = async () => false, log }: InjectionContext,
  { metrics, recordEvent }: Pick<AdmissionContext, 'metrics' | 'recordEvent'>,
): Route {
  const proofKeys = () => keys.all().map(proofKeyOf);
  const admission = { cluster, settings, metrics, recordEvent, proofKeys };
  // Anybody may call these paths, so the API server is sent nothing for them.
  const former = { ...admission, recordEvent: () => {} };
  const readBindings = makeBindingReader(client, log);
  const webhooks = {
    mutate: makeMutate(admission, readBindings),
    validate: makeValidate(admission, { comparesSidecars: true }),
    audit: makeRequestKeeper({ keep: keepRequest, log }),
  };
  const formerWebhooks = new Map([
    ['/mutate', makeMutate(former, async () => undefined)],
    // The injecting operator may be an older version.
    ['/validate', makeValidate(former, { comparesSidecars: false })],
  ]);
  return async (path) => {
    const webhook = webhookOf(path, keys.all());
    if (webhook) return webhooks[webhook];
    const formerWebhook = formerWebhooks.get(path);
    return formerWebhook && (await usesFormerPaths()) ? formerWebhook : undefined;
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('The server has no port');
  return address.port;
}
