import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { CertificateSource } from '../certificates/source.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { type AdmissionContext, makeMutate, makeValidate } from './admit.ts';
import { makePodEventRecorder } from './events.ts';
import { makeInjectionMetrics } from './metrics.ts';
import type { InjectionSettings } from './settings.ts';
import { proofKeyOf, type WebhookKeys, webhookOf } from './webhook-key.ts';
import { makeWebhookServer, type Route } from './webhook-server.ts';

export interface InjectionContext {
  /** Started: its caches are warm. */
  readonly cluster: Pick<Cluster, 'get' | 'list' | 'subscribe'>;
  /** For Events. */
  readonly client: Pick<ApiClient, 'send'>;
  readonly certificates: CertificateSource;
  readonly settings: InjectionSettings;
  /** By which API servers are known. */
  readonly keys: WebhookKeys;
  /** Whether API servers may ask at `/mutate` and `/validate` themselves, as before there were keys. */
  readonly usesFormerPaths?: () => Promise<boolean>;
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Which operator this is, in Events: its pod's name. */
  readonly instance: string;
  /** A stop goes on serving until this resolves: API servers have heard by then that this replica goes. */
  readonly drained?: () => Promise<unknown>;
  readonly log: Logger;
  readonly registry: Registry;
}

export interface Injection {
  readonly port: number;
  /** Why no API server can call the webhooks; undefined where they can be called. */
  notReady(): string | undefined;
  /** Lets what is under way end. */
  stop(): Promise<void>;
}

const drainMs = 3_000;
const sweepMs = 50;

/**
 * Serves the webhooks below `/mutate` and `/validate` until stopped: by every replica, whether it leads or not. A new
 * certificate is taken up with the next connection.
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
      // API servers keep their connections. One that ends just as something is asked over it is a pod that was not
      // admitted, so each is ended with an answer as long as any may come.
      server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
      await drained();
      const closed = once(server, 'close');
      server.close();
      // Connections that were busy at the close would otherwise stay open, idle, for long.
      const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
      await closed;
      clearInterval(sweep);
    },
  };
}

/** The webhooks at their secret paths, and for the time of an upgrade at their former ones. */
function makeRoute(
  { cluster, settings, keys, usesFormerPaths = async () => false }: InjectionContext,
  { metrics, recordEvent }: Pick<AdmissionContext, 'metrics' | 'recordEvent'>,
): Route {
  const proofKeys = () => keys.all().map(proofKeyOf);
  const admission = { cluster, settings, metrics, recordEvent, proofKeys };
  // Anybody may ask there, so nothing is written for it.
  const former = { ...admission, recordEvent: () => {} };
  const webhooks = { mutate: makeMutate(admission), validate: makeValidate(admission, { comparesSidecars: true }) };
  const formerWebhooks = new Map([
    ['/mutate', makeMutate(former)],
    // Who injected may be an operator of a former version.
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
  if (address === null || typeof address === 'string') throw new TypeError('The server listens on no port');
  return address.port;
}
