import { Pool } from 'pg';
import type { Logger } from 'pino';
import { deleteExpiredAnalysisResults } from '../database/analysis-results.ts';
import { connectTimeoutMs } from '../database/client.ts';
import { migrate } from '../database/migrate.ts';
import { restorePrivileges } from '../database/privileges.ts';
import { deleteExpiredRevocations } from '../database/revocations.ts';
import { endLongTransactions, limitRetainedRoles } from '../database/roles.ts';
import { analysisConfigKind } from './analysis-configs/analysis-config-kind.ts';
import { bindingKind } from './api-key-bindings/binding-kind.ts';
import { checkConstraints } from './check-constraints.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { ServiceAccountIssuer } from './cluster/kubernetes/service-account-issuer.ts';
import { operatorNamespace } from './credentials.ts';
import { makeDatabaseProbe } from './database-probe.ts';
import { logChanges } from './logged-cluster.ts';
import { fewestConnections, makeServerLimitsReader } from './organizations/limits.ts';
import { makeLoginCheck } from './organizations/login.ts';
import { makeOrganizationFailureReport, makeOrganizationReconciler } from './organizations/reconcile.ts';
import { removeOrphans } from './orphans.ts';
import { type OutageReports, reportOutages, withOutages } from './outages.ts';
import { makePartitionsAhead } from './partitions.ts';
import { withPatience } from './patient-events.ts';
import { personaKind } from './personas/persona-kind.ts';
import { type Controller, type Reconcile, startController } from './runtime/controller.ts';
import { watchDatabase } from './runtime/database-health.ts';
import { whenDatabaseAnswers } from './runtime/database-wait.ts';
import type { RuntimeMetrics } from './runtime/metrics.ts';
import { startResync } from './runtime/resync.ts';
import { makeWorkQueue, type WorkQueue } from './runtime/work-queue.ts';
import type { SidecarContext } from './sidecars/reconcile.ts';
import { makeTenancyFinder, type TenantKind } from './tenancy.ts';
import { makeTenantFailureReport, makeTenantReconciler } from './tenant-kind.ts';
import { makeTriggers } from './triggers.ts';

export interface OperatorOptions {
  /** Started: its caches are warm. */
  readonly cluster: Cluster;
  /** The owner's. */
  readonly databaseUrl: string;
  /** The database as proxies reach it; their login is put into it. The owner's address where absent. */
  readonly proxyDatabaseUrl?: string;
  /** Where the operator keeps its own Secrets. */
  readonly namespace?: string;
  /** Who issues the tokens of service accounts, where there are any. */
  readonly serviceAccountIssuer?: () => Promise<ServiceAccountIssuer>;
  /** The pods that have a sidecar, where there are any. */
  readonly sidecars?: SidecarContext;
  /** Told why the start waits for the database, and `undefined` when it does no more. */
  readonly onDatabaseWait?: (reason: string | undefined) => void;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics;
  /** Reconciliations at a time, for each kind. */
  readonly concurrency?: number;
  /** Rows are watched by nobody: what somebody changed in the database is put right within this time, give or take. */
  readonly resyncMs?: number;
  /** Whether one proxy serves every namespace of an organization, as on one machine, and not one each of their pods. */
  readonly isOneMachine?: boolean;
  /** How long a new key is handed out before it is used, so that every proxy has it by then; five minutes where absent. */
  readonly propagationMs?: number;
  /** How old an object must be for a Warning about it: what is applied together comes one after another. */
  readonly eventPatienceMs?: number;
  /** The time by which keys rotate, in milliseconds since 1970; the system's where absent. */
  readonly now?: () => number;
}

export interface Operator {
  /** Whether the database can be used, as far as was seen last. */
  canUseDatabase(): boolean;
  /** Resolves when nothing waits to be reconciled. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** The kinds that are reconciled. */
type ReconciledKind = 'Organization' | TenantKind;

const defaultEventPatienceMs = 10_000;
const defaultResyncMs = 600_000;
const tenantKinds = { Persona: personaKind, ApiKeyBinding: bindingKind, AnalysisConfig: analysisConfigKind };
/** Many bindings that come at once are counted once. */
const countDelayMs = 500;
/** A deletion that takes longer goes on in the database; the next attempt waits for it. */
const queryTimeoutMs = 600_000;
const lockTimeoutMs = 10_000;
/** An erasure is the longest that a proxy does in one. */
const longestTransactionMs = 15 * 60_000;

/** Migrates the database, once it answers, and reconciles the cluster's resources into it until stopped. */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { databaseUrl, log, metrics, concurrency = 4, namespace = operatorNamespace } = options;
  const patient = withPatience(options.cluster, options.eventPatienceMs ?? defaultEventPatienceMs);
  const cluster = logChanges(patient.cluster, log);
  const { resyncMs = defaultResyncMs, propagationMs, now = Date.now, onDatabaseWait } = options;
  const outageReports: OutageReports = {
    organization: makeOrganizationFailureReport({ cluster, now }),
    tenant: (kind) => makeTenantFailureReport(cluster, kind),
  };
  await whenDatabaseAnswers(() => migrate(databaseUrl), {
    log,
    async onWait(reason) {
      onDatabaseWait?.(reason);
      if (reason === undefined) return;
      const reported = reportOutages(cluster, outageReports, reason);
      await reported.catch((error: unknown) => log.warn({ err: error }, 'could not say that the database is away'));
    },
  });
  const db = new Pool({
    connectionString: databaseUrl,
    application_name: 'chaperone-operator',
    max: concurrency * 2,
    // What a reconciliation waits for: one that waited for ever would never be tried again.
    connectionTimeoutMillis: 2 * connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    // A tenant may keep its own rows locked: that must not keep a worker from the others.
    lock_timeout: lockTimeoutMs,
    keepAlive: true,
  });
  db.on('error', (error) => log.warn({ err: error }, 'lost the database'));
  await makePartitionsAhead(db, log, Date.now());

  const queues = new Map<string, WorkQueue>();
  const controllers: Controller[] = [];
  const probe = makeDatabaseProbe(databaseUrl);
  const health = watchDatabase({
    probe: probe.ask,
    onOutage: () => enqueueOrganizations(cluster, queues),
    onRecovery: () => {
      for (const queue of queues.values()) queue.wake();
      // It may be another one, or older than it was.
      enqueueEverything(cluster, queues);
    },
    log,
  });
  const start = (name: ReconciledKind, makeReconcile: (queue: WorkQueue) => Reconcile) => {
    const label = name.toLowerCase();
    const queue = makeWorkQueue(metrics && { observer: metrics.queue(label) });
    queues.set(name, queue);
    const observed = metrics && { observer: metrics.controller(label) };
    const report = name === 'Organization' ? outageReports.organization : outageReports.tenant(name);
    const reconcile = withOutages(makeReconcile(queue), report, health);
    controllers.push(startController({ name, queue, reconcile, concurrency, log, ...observed }));
  };
  const context = { cluster, db, tenancies: makeTenancyFinder(cluster, namespace) };
  const { sidecars, serviceAccountIssuer, proxyDatabaseUrl = databaseUrl } = options;
  const organizations = {
    ...{ cluster, db, operatorNamespace: namespace, proxyDatabaseUrl, now },
    // At every resync, and not at each change in between.
    logins: makeLoginCheck(databaseUrl, resyncMs / 2),
    serverLimits: makeServerLimitsReader(db, resyncMs / 2),
  };
  const ofCluster = { ...(sidecars && { sidecars }), ...(serviceAccountIssuer && { serviceAccountIssuer }) };
  const timing = { ...(propagationMs !== undefined && { propagationMs }), isOneMachine: options.isOneMachine ?? false };
  start('Organization', () => makeOrganizationReconciler({ ...organizations, ...ofCluster, ...timing }));
  start('Persona', (queue) => makeTenantReconciler(context, tenantKinds.Persona, queue));
  start('ApiKeyBinding', (queue) => makeTenantReconciler(context, tenantKinds.ApiKeyBinding, queue));
  start('AnalysisConfig', (queue) => makeTenantReconciler(context, tenantKinds.AnalysisConfig, queue));

  const unsubscribe = cluster.subscribe(
    makeTriggers(cluster, namespace, {
      organization: (name) => queues.get('Organization')?.add(name),
      counts: (name) => queues.get('Organization')?.addAfter(name, countDelayMs),
      tenant: (kind, path) => queues.get(kind)?.add(path),
    }),
  );
  const unsubscribeFleet = sidecars?.fleet.subscribe((name) => queues.get('Organization')?.add(name));
  let hasChecked = false;
  const resync = startResync(async () => {
    // All is looked at when it is back.
    if (health.outage() !== undefined) return;
    enqueueEverything(cluster, queues);
    await makePartitionsAhead(db, log, Date.now());
    try {
      await restorePrivileges(db);
      if (!hasChecked) await checkConstraints(db, log);
      hasChecked = true;
      await limitRetainedRoles(db, fewestConnections);
      const ended = await endLongTransactions(db, longestTransactionMs);
      if (ended.length > 0) log.warn({ logins: ended }, 'ended sessions whose transactions were open for too long');
      await deleteExpiredAnalysisResults(db);
      await deleteExpiredRevocations(db);
      const orphans = await removeOrphans(context, (kind, ...row) => tenantKinds[kind].remove(context, ...row));
      for (const { kind, resource } of orphans) queues.get(kind)?.add(resource);
      if (orphans.length > 0) log.warn({ orphans }, 'took rows out of force whose resources are not there');
    } catch (error) {
      log.warn({ err: error }, 'cannot see whether the database is as it should be; the next resync looks again');
    }
  }, resyncMs);

  return {
    canUseDatabase: () => health.outage() === undefined,
    // One controller's work can make work for another, so all must be found idle in one go.
    async idle() {
      do for (const controller of controllers) await controller.idle();
      while ([...queues.values()].some((queue) => !queue.isIdle));
    },
    async stop() {
      unsubscribe();
      patient.stop();
      unsubscribeFleet?.();
      await Promise.all([resync.stop(), health.stop()]);
      await probe.close();
      await Promise.all(controllers.map((controller) => controller.stop()));
      await db.end();
    },
  };
}

function enqueueOrganizations(cluster: Cluster, queues: ReadonlyMap<string, WorkQueue>): void {
  for (const { metadata } of cluster.list('Organization')) queues.get('Organization')?.add(metadata.name);
}

function enqueueEverything(cluster: Cluster, queues: ReadonlyMap<string, WorkQueue>): void {
  enqueueOrganizations(cluster, queues);
  for (const kind of ['Persona', 'ApiKeyBinding', 'AnalysisConfig'] satisfies TenantKind[]) {
    for (const { metadata } of cluster.list(kind)) queues.get(kind)?.add(`${metadata.namespace}/${metadata.name}`);
  }
}
