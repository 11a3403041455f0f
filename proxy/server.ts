import type { AddressInfo } from 'node:net';
import { totalmem } from 'node:os';
import type { Logger } from 'pino';
import { requestStartedAtMs } from '../database/ids.ts';
import { findOwnedResource, listOwnedResources, type OwnedResource } from '../database/owned-resources.ts';
import { findPendingCall, type PendingCall } from '../database/pending-calls.ts';
import {
  findRequestById,
  findRequestByKeptId,
  findRequestByResponseId,
  type RequestRecord,
  type RequestReference,
  referenceOf,
} from '../database/requests.ts';
import { buildApp } from './app.ts';
import { makeAdmission } from './calls/admit/admission.ts';
import { admitLines } from './calls/admit/batch-lines.ts';
import { noteBatch } from './calls/background/note-batch.ts';
import { watchBackground } from './calls/background/watch.ts';
import { type InForce, termsOf } from './calls/context.ts';
import { makeAuthenticators } from './calls/identify/authenticate.ts';
import { makeIdentify } from './calls/identify/identify.ts';
import { makeFetchKeySet } from './calls/identify/tokens/fetch-key-set.ts';
import { makeIssuers } from './calls/identify/tokens/issuers.ts';
import { makePipeline } from './calls/pipeline.ts';
import { makeStallWatch } from './calls/receive/stall-watch.ts';
import { makeConcurrency } from './calls/reserve/concurrency.ts';
import { reserveAll } from './calls/reserve/reserve.ts';
import { makeOwnership } from './calls/resources/ownership.ts';
import { countCalls } from './calls/settle/count.ts';
import { makeMetrics } from './calls/settle/metrics.ts';
import { makeModelLabel } from './calls/settle/model-label.ts';
import type { Origin } from './calls/settle/record.ts';
import { makeSettlement } from './calls/settle/settlement.ts';
import { makeCollectGarbage } from './collect-garbage.ts';
import { type Credentials, followCredentials, readCredentials } from './credentials.ts';
import type { EgressSettings } from './egress/settings.ts';
import { makeUpstream } from './egress/upstream.ts';
import { ProxyError } from './error.ts';
import { makeFind } from './find.ts';
import { defaultMaxInFlightBytes, makeInFlight } from './in-flight.ts';
import { makeMonitoringServer } from './monitoring.ts';
import { batches } from './operations/batches.ts';
import { responses } from './operations/responses.ts';
import { makePrice } from './prices/price.ts';
import { makeExchange } from './providers/exchange.ts';
import { providerTable } from './providers/table.ts';
import { makeEnvelopes } from './snapshot/envelopes.ts';
import { followSnapshot } from './snapshot/follow.ts';
import { openRevocations } from './snapshot/revocations.ts';
import { makeRowOpener, openSnapshot, type SealedSnapshot } from './snapshot/snapshot.ts';
import { makeSetAsideEraser } from './spool/erase-set-aside.ts';
import { makeFolder } from './spool/fold.ts';
import { startShipper } from './spool/ship.ts';
import { openSpool, spoolBoundsOf } from './spool/spool.ts';
import { makeStore } from './store.ts';

/** How long a read of analytics waits for calls that were just answered. */
const shipWaitMs = 250;

export interface ProxyOptions {
  /** Of this program, for metrics. */
  readonly version?: string;
  /** Directory of the organization's mounted Secret. */
  readonly credentialsDirectory: string;
  /** Holds the spool and the last snapshot. It must survive restarts. */
  readonly dataDirectory: string;
  readonly host: string;
  readonly port: number;
  readonly metricsHost: string;
  readonly metricsPort: number;
  /** The base URL of `openai` providers that state none. */
  readonly upstreamUrl: string;
  /** Forward proxies to providers and issuers. Absent: direct connections. */
  readonly egress?: EgressSettings;
  /** The pod that it serves. Its records and the labels of its metrics name the pod. */
  readonly origin?: Origin;
  readonly log: Logger;
  /** How long the proxy reads an answer after its client has gone. */
  readonly drainMs?: number;
  /** How long calls may take to end when the proxy stops. */
  readonly graceMs?: number;
  /** How long waiting records are copied to the database when the proxy stops. */
  readonly flushMs?: number;
  /** Size limit of the data directory. Absent: 5 GiB. */
  readonly dataLimitBytes?: number;
  /** Memory limit of all bodies in flight. Absent: a quarter of the process's memory limit. */
  readonly maxInFlightBytes?: number;
  /** How long a client may pause in the middle of a body. Absent: 30 s. */
  readonly stallMs?: number;
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
 * @throws where the credentials cannot be read, the spool is in use, or a port is taken
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { log, dataDirectory } = options;
  let credentials = await readCredentials(options.credentialsDirectory);
  const { organizationId } = credentials;
  const metrics = makeMetrics({ ...options.origin }, options.version);
  /** Calls of a predecessor that died, until there are names of models to count them by. */
  const recovered: RequestRecord[] = [];
  const spool = openSpool({
    directory: dataDirectory,
    onRecovered: (record) => recovered.push(record),
    ...(options.dataLimitBytes !== undefined && spoolBoundsOf(options.dataLimitBytes)),
    onWriteFailure: (error) => {
      metrics.spoolWriteFailures.inc();
      log.error({ err: error }, 'cannot write to the spool; settlements are kept in memory and tried again');
    },
  });
  const inFlight = makeInFlight(
    options.maxInFlightBytes ?? defaultMaxInFlightBytes(process.constrainedMemory(), totalmem()),
    makeCollectGarbage(),
  );
  const stalls = makeStallWatch(options.stallMs ?? 30_000);
  const upstream = await makeUpstream(options.egress);
  const exchange = makeExchange(upstream);
  let inForce: InForce | undefined;
  let newest: SealedSnapshot | undefined;
  let stopping = false;

  let opener = makeRowOpener(organizationId, makeEnvelopes(credentials));
  const onFetch = (issuer: string, outcome: string) => metrics.issuerFetches.inc({ issuer, outcome });
  const issuers = makeIssuers({ log, onFetch, fetchKeySet: makeFetchKeySet(upstream) });
  const authenticatorOf = makeAuthenticators({ organizationId, issuers, log });
  const labelOf = makeModelLabel(() => inForce?.snapshot);
  const settlement = makeSettlement({
    organizationId,
    origin: options.origin,
    spool,
    subscribers: [countCalls(metrics, labelOf), { deferred: (pending) => followDeferred(pending) }],
  });
  /** The credentials behind the configuration in force. New credentials take over nothing from it. */
  let credentialsInForce: Credentials | undefined;
  const putInForce = () => {
    if (!newest) return;
    const last = credentialsInForce === credentials ? inForce : undefined;
    try {
      inForce = makeInForce(newest, credentials, opener, authenticatorOf, options.upstreamUrl, last);
      credentialsInForce = credentials;
      metrics.snapshotVersion.set(newest.version);
      for (const record of recovered.splice(0)) settlement.recovered(record);
    } catch (error) {
      log.error({ err: error }, 'cannot use the new configuration; the last one stays in force');
      // Revocations apply even where the rest of the configuration cannot be used.
      const revocations = openRevocations(newest.revocations.values());
      if (inForce) inForce = { ...inForce, snapshot: { ...inForce.snapshot, revocations } };
    }
  };
  const openStore = () => makeStore({ databaseUrl: () => credentials.databaseUrl, log });
  const store = openStore();
  const eraseFromSetAside = makeSetAsideEraser({ organizationId, spool, store, log });
  const follower = followSnapshot({
    organizationId,
    databaseUrl: () => credentials.databaseUrl,
    directory: dataDirectory,
    log,
    onSnapshot: (snapshot, ageMs) => {
      const arrivedAtMs = performance.now();
      newest = snapshot;
      putInForce();
      void eraseFromSetAside();
      if (ageMs === undefined || inForce?.snapshot.version !== snapshot.version) return;
      metrics.snapshotPropagation.observe((ageMs + performance.now() - arrivedAtMs) / 1_000);
    },
  });
  const stopFollowingCredentials = followCredentials(options.credentialsDirectory, credentials, (changed) => {
    try {
      opener = makeRowOpener(organizationId, makeEnvelopes(changed));
    } catch (error) {
      log.error({ err: error }, 'cannot use the new credentials; the last ones stay in force');
      return;
    }
    credentials = changed;
    putInForce();
    void follower.renewLogin();
  });
  const folder = makeFolder({ store, log });
  const shipper = startShipper({
    spool,
    store,
    openStore,
    organizationId,
    log,
    onShipped(rows) {
      metrics.spoolShipped.inc(rows);
      folder.onShipped();
    },
    onSettled: (record) => settlement.arrivedFirst(record),
    onFailure: () => metrics.spoolFailures.inc(),
    onSetAside: () => void eraseFromSetAside(),
  });

  const requireInForce = (): InForce => {
    if (stopping) throw new ProxyError('shutting_down');
    // A deleted organization serves no calls, whether its data is retained or not.
    if (!inForce || inForce.snapshot.isDeleted) throw new ProxyError('organization_deleted');
    return inForce;
  };
  const findRequest = makeFind<RequestReference>(spool.find, (id) =>
    follower.query(async (db) => {
      const startedAtMs = requestStartedAtMs(id);
      if (startedAtMs !== undefined) return findRequestById(db, organizationId, id, startedAtMs);
      const settled = await findRequestByResponseId(db, organizationId, id);
      const pending = settled ? undefined : await findPendingCall(db, organizationId, id);
      return pending ? referenceOf(pending) : settled;
    }),
  );
  const ownership = makeOwnership({
    spool,
    findRequest,
    findRequestOfItem: makeFind<RequestReference>(spool.findByKeptId, (id) =>
      follower.query((db) => findRequestByKeptId(db, organizationId, id)),
    ),
    findResource: makeFind<OwnedResource>(spool.findResource, (id) =>
      follower.query((db) => findOwnedResource(db, organizationId, id)),
    ),
    listStored: (userId, kind) => store.run((db) => listOwnedResources(db, organizationId, userId, kind)),
  });

  const followDeferred = (pending: PendingCall) => {
    try {
      if (pending.operation === batches.name) noteBatch(ownership, { id: pending.response_id }, pending);
    } catch (error) {
      log.error({ err: error }, 'cannot record who owns a batch; its usage is recorded all the same');
    }
    background.expect();
  };
  const background = watchBackground({
    organizationId,
    inForce() {
      const current = requireInForce();
      return { snapshot: current.snapshot, terms: termsOf(current) };
    },
    operations: new Map([responses, batches].map(({ name }) => [name, name])),
    providers: providerTable,
    onBatch: (batch, pending) => noteBatch(ownership, batch, pending),
    spool,
    query: store.run,
    exchange,
    inFlight,
    settle: settlement.settleLate,
    log,
  });
  const pipeline = makePipeline({
    inForce: requireInForce,
    identify: makeIdentify(organizationId),
    settlement,
    catchUp: () => follower.catchUp(),
    providers: providerTable,
    reserve: reserveAll([makeConcurrency((limit) => metrics.limited.inc({ limit }))]),
    admission: makeAdmission({ ownership, exchange, ownChecks: { batches: admitLines } }),
    exchange,
    metrics,
    drainMs: options.drainMs ?? 60_000,
    stalls,
    inFlight,
  });
  const app = buildApp({
    pipeline,
    providers: providerTable,
    inForce: requireInForce,
    exchange,
    inFlight,
    stalls,
    spool,
    store,
    // A write has just reached the database, so this connection will soon reach it, too.
    catchUp: () => follower.catchUp(10_000),
    metrics,
    log,
    findRequest,
    ownership,
    shipped: () => shipper.flush(shipWaitMs),
    background,
  });
  const monitoring = makeMonitoringServer({
    registry: metrics.registry,
    refresh() {
      const oldestAtMs = spool.oldestAtMs();
      metrics.inFlightBytes.set(inFlight.heldBytes());
      metrics.spoolDepth.set(spool.depth);
      metrics.spoolAge.set(oldestAtMs === undefined ? 0 : Math.max(0, (Date.now() - oldestAtMs) / 1_000));
      metrics.snapshotAge.set((Date.now() - follower.confirmedAtMs()) / 1_000);
    },
    notReady: () => (stopping ? 'stopping' : inForce ? undefined : 'no configuration yet'),
  });

  const stop = async () => {
    stopping = true;
    stopFollowingCredentials();
    const graceMs = options.graceMs ?? 3_000;
    const closing = app.close();
    await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
    app.server.closeAllConnections();
    await background.stop();
    await upstream.destroy();
    await shipper.flush(options.flushMs ?? 500);
    await shipper.stop();
    folder.stop();
    await store.close();
    await follower.stop();
    monitoring.closeAllConnections();
    monitoring.close();
    spool.close();
  };

  try {
    await new Promise<void>((resolve, reject) => {
      monitoring.once('error', reject).listen(options.metricsPort, options.metricsHost, resolve);
    });
    await follower.first;
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port: portOf(app.server.address()),
    metricsPort: portOf(monitoring.address()),
    organizationName: credentials.organizationName,
    stop,
  };
}

function makeInForce(
  sealed: SealedSnapshot,
  credentials: Credentials,
  opener: ReturnType<typeof makeRowOpener>,
  authenticatorOf: ReturnType<typeof makeAuthenticators>,
  upstreamUrl: string,
  last: InForce | undefined,
): InForce | undefined {
  const snapshot = openSnapshot(sealed, opener, upstreamUrl);
  if (!snapshot) return undefined;
  // Where the spec is unchanged, the authenticator and the prices are kept, with the tokens and prices that they
  // remember.
  if (last && last.snapshot.spec === snapshot.spec) return { ...last, snapshot };
  const { organization: envelope, namespaces } = makeEnvelopes(credentials);
  return {
    snapshot,
    authenticator: authenticatorOf({
      jwks: credentials.jwks,
      issuers: snapshot.spec.authentication?.issuers,
      leeway: snapshot.spec.authentication?.leeway,
      serviceAccounts: credentials.serviceAccounts,
    }),
    envelope,
    namespaces,
    price: makePrice(snapshot.spec.prices),
  };
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
