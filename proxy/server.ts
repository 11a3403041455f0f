import type { AddressInfo } from 'node:net';
import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type App, buildApp } from './app.ts';
import { makeCallPath } from './call-path.ts';
import type { InForce } from './calls/context.ts';
import { makeStallWatch } from './calls/receive/stall-watch.ts';
import { type Metrics, makeMetrics } from './calls/settle/metrics.ts';
import { makeCollectGarbage } from './collect-garbage.ts';
import { ProxyError } from './error.ts';
import { makeRequestRates } from './http/rates/request-rates.ts';
import { collectWhenIdle } from './idle-garbage.ts';
import { defaultMaxInFlightBytes, type InFlight, makeInFlight } from './in-flight.ts';
import { closeMonitoring, openMonitoring } from './monitoring.ts';
import { type OpenOrganization, type OrganizationOptions, openOrganization } from './organization.ts';
import { providerTable } from './providers/table.ts';
import { refreshGauges } from './refresh-gauges.ts';
import type { SocketLimits } from './sockets/session.ts';
import type { Shipper } from './spool/ship.ts';
import { storeUnavailable } from './store.ts';
import type { SurfaceTable } from './surfaces/context.ts';
import { openTls, type Tls } from './tls.ts';

/** How long a read waits for the calls that were just answered, and how long while copying them fails. */
const arrivalMs = { usual: 5_000, failing: 2_000 };

export interface ProxyOptions extends Omit<OrganizationOptions, 'inFlight' | 'metrics'> {
  readonly host: string;
  readonly port: number;
  /** A directory with `tls.crt` and `tls.key`. Absent: the API is served without TLS. */
  readonly tlsDirectory?: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  /** How long the proxy reads an answer after its client has gone. */
  readonly drainMs?: number;
  /** How long calls may take to end when the proxy stops. */
  readonly graceMs?: number;
  /** Memory limit of all bodies in flight. Absent: a quarter of the process's memory limit. */
  readonly maxInFlightBytes?: number;
  /** How long a client may pause in the middle of a body. Absent: 30 s. */
  readonly stallMs?: number;
  /** Limits of sessions over WebSockets. Absent: the usual ones. */
  readonly socketLimits?: Partial<SocketLimits>;
  /** The APIs that it serves. Absent: all that there are. */
  readonly surfaces?: SurfaceTable;
}

export interface RunningProxy {
  readonly port: number;
  readonly metricsPort: number;
  readonly organizationName: string;
  /** Lets calls end, copies waiting records, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy for one organization and resolves when it serves. Its snapshot comes from the database, or from the
 * volume where the database cannot be reached.
 *
 * @throws where the credentials cannot be read, the spool is in use, or a port is taken; then nothing stays open
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const metrics = makeMetrics({ origin: options.origin, version: options.version });
  const collectGarbage = makeCollectGarbage();
  const inFlight = makeInFlight(
    options.maxInFlightBytes ?? defaultMaxInFlightBytes(process.constrainedMemory(), totalmem()),
    collectGarbage,
  );
  let organization: OpenOrganization | undefined;
  let isStopping = false;

  // Released in the reverse order, also where one of the next steps throws.
  await using opened = new AsyncDisposableStack();
  opened.defer(collectWhenIdle(collectGarbage.thoroughly));
  const tls = options.tlsDirectory === undefined ? undefined : opened.use(await openTls(options.tlsDirectory));
  const monitoring = opened.adopt(
    await openMonitoring({
      host: options.metricsHost,
      port: options.metricsPort,
      registry: metrics.registry,
      refresh: () => organization && refreshGauges(metrics, [organization], inFlight),
      notReady() {
        if (isStopping) return 'stopping';
        return organization?.configuration.current() ? undefined : 'no configuration yet';
      },
    }),
    closeMonitoring,
  );
  organization = opened.adopt(await openOrganization({ ...options, inFlight, metrics }), (it) => it.close());
  const { configuration, name } = organization;
  metrics.nameOrganization(name);
  const inForce = () => {
    if (isStopping) throw new ProxyError('shutting_down');
    return configuration.require();
  };
  const app = opened.adopt(makeApp(options, organization, inForce, inFlight, metrics, tls), (it) =>
    drain(it, options.graceMs ?? 3_000),
  );
  await configuration.first;
  await app.listen({ host: options.host, port: options.port });

  const running = opened.move();
  return {
    port: portOf(app.server.address()),
    metricsPort: portOf(monitoring.address()),
    organizationName: name,
    async stop() {
      isStopping = true;
      await running.disposeAsync();
    },
  };
}

/** Makes the path of calls, and the surfaces that lead to it. */
function makeApp(
  options: ProxyOptions,
  organization: OpenOrganization,
  inForce: () => InForce,
  inFlight: InFlight,
  metrics: Metrics,
  tls: Tls | undefined,
): App {
  const { configuration, shipper } = organization;
  const { origin, drainMs, egress, log } = options;
  const stalls = makeStallWatch(options.stallMs ?? 30_000);
  const pipeline = makeCallPath({ organization, inForce, inFlight, metrics, stalls, origin, drainMs });
  const appOptions = {
    ...organization,
    pipeline,
    providers: providerTable,
    origin,
    inForce,
    inFlight,
    stalls,
    // A write has just reached the database, so this connection will soon reach it, too.
    catchUp: () => configuration.follower.catchUp(10_000),
    rates: makeRequestRates({ quota: organization.requestQuota, inForce }),
    metrics,
    log,
    shipped: () => requireShipped(shipper),
    agentFor: async (url: URL) => egress && (await import('./egress/tunnel.ts')).agentFor(egress, url),
    drainMs: drainMs ?? 60_000,
    socketLimits: options.socketLimits,
  };
  return buildApp(appOptions, options.surfaces, tls?.makeServer);
}

/** @throws {ProxyError} `records_pending`, or why copying fails, where what was answered is not in the database in time */
async function requireShipped({ flush, failure }: Shipper): Promise<void> {
  if (await flush(arrivalMs.usual, arrivalMs.failing)) return;
  const cause = failure();
  const isAway = cause instanceof ProxyError && cause.code === 'store_unavailable';
  const headers = { 'retry-after': '1' };
  throw isAway ? storeUnavailable(cause, headers) : new ProxyError('records_pending', { cause, headers });
}

/** Lets calls end, then cuts off those that take longer. */
async function drain(app: App, graceMs: number): Promise<void> {
  await Promise.race([app.close(), delay(graceMs, undefined, { ref: false })]);
  app.upgrades.cut();
  app.server.closeAllConnections();
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
