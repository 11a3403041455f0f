import { Pool } from 'pg';
import type { Logger } from 'pino';
import { type TenantKind, tenantKinds } from '../crds/definition.ts';
import { connectTimeoutMs } from '../database/client.ts';
import { hasLiveWorker } from '../database/jobs.ts';
import { migrate } from '../database/migrate.ts';
import { makePartitionsAhead } from '../database/partitions.ts';
import { deleteAllPast } from '../database/past-rows.ts';
import { restorePrivileges } from '../database/privileges.ts';
import { removePastRecords } from '../database/retention.ts';
import { endLongTransactions, limitRetainedRoles } from '../database/roles.ts';
import { makeTransact } from '../database/transaction.ts';
import { analysisConfigKind } from './analysis-configs/analysis-config-kind.ts';
import { bindingKind } from './api-key-bindings/binding-kind.ts';
import type { AuditMetrics } from './audit/metrics.ts';
import { makeAuditRecorder } from './audit/recorder.ts';
import { recordRemovals } from './audit/removals.ts';
import { watchAudit } from './audit/watch.ts';
import { checkConstraints } from './check-constraints.ts';
import { watchCircuits } from './circuits/watch.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { ServiceAccountIssuer } from './cluster/kubernetes/service-account-issuer.ts';
import { type ObjectPath, pathOf } from './cluster/object-key.ts';
import { operatorNamespace } from './credentials.ts';
import { makeDatabaseProbe } from './database-probe.ts';
import type { GatewayContext } from './gateways/reconcile.ts';
import type { RuleMetrics } from './limits/metrics.ts';
import { watchRules } from './limits/watch.ts';
import { logChanges } from './logged-cluster.ts';
import { fewestConnections, makeServerLimitsReader } from './organizations/limits.ts';
import { makeLoginCheck } from './organizations/login.ts';
import { makeOrganizationFailureReport, makeOrganizationReconciler } from './organizations/reconcile.ts';
import { removeOrphans } from './orphans.ts';
import { type OutageReports, reportOutages, withOutages } from './outages.ts';
import { withPatience } from './patient-events.ts';
import { personaKind } from './personas/persona-kind.ts';
import { makeRecount } from './recount.ts';
import { watchRetention } from './retention/watch.ts';
import { type Controller, type ControllerOptions, type Reconcile, startController } from './runtime/controller.ts';
import { watchDatabase } from './runtime/database-health.ts';
import { whenDatabaseAnswers } from './runtime/database-wait.ts';
import type { RuntimeMetrics } from './runtime/metrics.ts';
import { startResync } from './runtime/resync.ts';
import { makeWorkQueue, type WorkQueue } from './runtime/work-queue.ts';
import type { SidecarContext } from './sidecars/reconcile.ts';
import { makeTenancyFinder } from './tenancy.ts';
import { controlTenant, makeTenantFailureReport, type TenantControl } from './tenant-kind.ts';
import { type TrainingAccess, watchTraining } from './training/watch.ts';
import { makeTriggers } from './triggers.ts';
import { watchWebhooks } from './webhooks/watch.ts';
import { openWorkerAccess } from './workers/access.ts';

export interface OperatorOptions {
  /** Must be started, with warm caches. */
  readonly cluster: Cluster;
  /** URL with the owner's login. */
  readonly databaseUrl: string;
  /** URL at which proxies reach the database; the operator puts their login into it. Absent: the owner's address. */
  readonly proxyDatabaseUrl?: string;
  /** The namespace of the operator's own Secrets. */
  readonly namespace?: string;
  /** How many Secrets share what workers get. Absent: 16; on one machine, one. */
  readonly workerSecrets?: number;
  /** Looks up the issuer of service account tokens. Absent where there are none. */
  readonly serviceAccountIssuer?: () => Promise<ServiceAccountIssuer>;
  /** The sidecars of pods. Absent where there is no injection. */
  readonly sidecars?: SidecarContext;
  /** The gateways of organizations. Absent where the operator may not run them. */
  readonly gateways?: GatewayContext;
  /** The training and the serving of models. Absent where the operator may not have them. */
  readonly training?: TrainingAccess;
  /** How often training and served models are looked at. Absent: 2 s. */
  readonly trainingMs?: number;
  /** Called with the reason while the start waits for the database, and with `undefined` when the wait is over. */
  readonly onDatabaseWait?: (reason: string | undefined) => void;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics;
  readonly ruleMetrics?: RuleMetrics;
  readonly auditMetrics?: AuditMetrics;
  /** Hears of each reconciliation that changed something, or failed. */
  readonly onWork?: ControllerOptions<ObjectPath>['onWork'];
  /** Concurrent reconciliations per kind. */
  readonly concurrency?: number;
  /** Period of the resync, which corrects rows that somebody changed in the database. */
  readonly resyncMs?: number;
  /** Whether one proxy serves all namespaces of an organization, as on one machine, rather than one proxy per pod. */
  readonly isOneMachine?: boolean;
  /** How long a new key is handed out before it is used, so that every proxy has it by then. Absent: five minutes. */
  readonly propagationMs?: number;
  /** How old an object must be for a Warning about it. Objects of one manifest arrive one after another. */
  readonly eventPatienceMs?: number;
  /** How often what is used of limits and budgets is read, and how often a status with it is written at most. */
  readonly rulesMs?: { readonly period: number; readonly write: number };
  /** How often it is read which circuits proxies have opened. Absent: 5 s. */
  readonly circuitsMs?: number;
  /** The clock for key rotation, in milliseconds since 1970. Absent: the system's. */
  readonly now?: () => number;
}

export interface Operator {
  /** Whether the database could be used at the last probe. */
  canUseDatabase(): boolean;
  /** Resolves when no object waits to be reconciled. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** The kinds that are reconciled. */
type ReconciledKind = 'Organization' | TenantKind;
type Queue = WorkQueue<ObjectPath>;

const defaultEventPatienceMs = 10_000;
const defaultWorkerSecrets = 16;
const defaultResyncMs = 600_000;
const defaultCircuitsMs = 5_000;
const defaultTrainingMs = 2_000;
const defaultRulesMs = { period: 15_000, write: 60_000 };
const tenantControls: { readonly [K in TenantKind]: TenantControl } = {
  Persona: controlTenant(personaKind),
  ApiKeyBinding: controlTenant(bindingKind),
  AnalysisConfig: controlTenant(analysisConfigKind),
};
/** When an Organization's bindings are counted again: soon after a change, and seldom where one change follows another. */
const countMs = { delay: 500, period: 5_000 };
const maxConnections = 16;
/** A deletion that takes longer continues in the database. The next attempt waits for it. */
const queryTimeoutMs = 600_000;
const lockTimeoutMs = 10_000;
/** Longer than an erasure, which is a proxy's longest transaction. */
const maxTransactionMs = 15 * 60_000;

/** Waits for the database and migrates it, then reconciles the cluster's resources into it until stopped. */
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
      await reported.catch((error: unknown) => log.warn({ err: error }, 'cannot report the outage of the database'));
    },
  });
  const db = new Pool({
    connectionString: databaseUrl,
    application_name: 'chaperone-operator',
    // Fewer than reconciliations: most of the time they wait for the API server, and rows are written together.
    max: Math.min(2 * concurrency, maxConnections),
    // Time limits, since a reconciliation that waited forever would never be retried.
    connectionTimeoutMillis: 2 * connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    // A tenant may lock its own rows. That must not block the reconciliation of other tenants.
    lock_timeout: lockTimeoutMs,
    keepAlive: true,
  });
  db.on('error', (error) => log.warn({ err: error }, 'lost the database'));
  await makePartitionsAhead(db, log, Date.now());

  const queues = new Map<ReconciledKind, Queue>();
  const controllers: Controller[] = [];
  const probe = makeDatabaseProbe(databaseUrl);
  const health = watchDatabase({
    probe: probe.ask,
    onOutage: () => enqueueOrganizations(cluster, queues),
    onRecovery: () => {
      for (const queue of queues.values()) queue.wake();
      audit.forget();
      // It may be another database, or one restored from a backup.
      enqueueEverything(cluster, queues);
    },
    log,
  });
  const start = (name: ReconciledKind, makeReconcile: (queue: Queue) => Reconcile) => {
    const label = name.toLowerCase();
    const queue: Queue = makeWorkQueue(metrics && { observer: metrics.queue(label) });
    queues.set(name, queue);
    const observed = metrics && { observer: metrics.controller(label) };
    const report = name === 'Organization' ? outageReports.organization : outageReports.tenant(name);
    const reconcile = withOutages(makeReconcile(queue), report, health);
    const { onWork } = options;
    controllers.push(
      startController({ name, queue, reconcile, concurrency, log, ...observed, ...(onWork && { onWork }) }),
    );
  };
  const { period: periodMs, write: writeMs } = options.rulesMs ?? defaultRulesMs;
  const rules = watchRules({
    ...{ cluster, db, log, now, periodMs, writeMs, metrics: options.ruleMetrics },
    onChange: (kind, path) => queues.get(kind)?.add(path),
    isUsable: () => health.outage() === undefined,
  });
  const circuits = watchCircuits({
    ...{ cluster, db, log, periodMs: options.circuitsMs ?? defaultCircuitsMs },
    onChange: (path) => queues.get('Organization')?.add(path),
    isUsable: () => health.outage() === undefined,
  });
  const webhooks = watchWebhooks({
    ...{ cluster, db, log, periodMs: options.circuitsMs ?? defaultCircuitsMs },
    onChange: (path) => queues.get('Organization')?.add(path),
    isUsable: () => health.outage() === undefined,
  });
  const retention = watchRetention({
    ...{ cluster, db, log, periodMs: options.circuitsMs ?? defaultCircuitsMs },
    onChange: (path) => queues.get('Organization')?.add(path),
    isUsable: () => health.outage() === undefined,
  });
  const training =
    options.training &&
    watchTraining({
      ...{ ...options.training, cluster, db, log, operatorNamespace: namespace },
      isUsable: () => health.outage() === undefined,
      periodMs: options.trainingMs ?? defaultTrainingMs,
    });
  const audit = makeAuditRecorder(db);
  const auditLog = watchAudit({
    ...{ cluster, db, log, now, periodMs, writeMs, metrics: options.auditMetrics },
    onChange: (path) => queues.get('Organization')?.add(path),
    isUsable: () => health.outage() === undefined,
  });
  const context = { cluster, db, tenancies: makeTenancyFinder(cluster, namespace), rules, audit };
  const { sidecars, gateways, serviceAccountIssuer, proxyDatabaseUrl = databaseUrl } = options;
  const workers = openWorkerAccess({
    ...{ cluster, db, databaseUrl, namespace, log },
    secrets: options.workerSecrets ?? (options.isOneMachine ? 1 : defaultWorkerSecrets),
  });
  const organizations = {
    transact: makeTransact(db),
    ...{
      cluster,
      db,
      operatorNamespace: namespace,
      proxyDatabaseUrl,
      now,
      rules,
      circuits,
      audit,
      auditLog,
      retention,
      workers,
    },
    // Checked at every resync, not at each change in between.
    logins: makeLoginCheck(databaseUrl, resyncMs / 2),
    serverLimits: makeServerLimitsReader(db, resyncMs / 2),
  };
  const ofCluster = {
    ...(sidecars && { sidecars }),
    ...(gateways && { gateways }),
    ...(options.training && { training: options.training.settings }),
    ...(serviceAccountIssuer && { serviceAccountIssuer }),
  };
  const timing = { ...(propagationMs !== undefined && { propagationMs }), isOneMachine: options.isOneMachine ?? false };
  start('Organization', () => makeOrganizationReconciler({ ...organizations, ...ofCluster, ...timing }));
  for (const kind of tenantKinds) start(kind, (queue) => tenantControls[kind].makeReconciler(context, queue));

  const recount = makeRecount(countMs, (name, delayMs) =>
    queues.get('Organization')?.addAfter(pathOf({ name }), delayMs),
  );
  const unsubscribe = cluster.subscribe(
    makeTriggers(cluster, namespace, {
      organization: (name) => queues.get('Organization')?.add(pathOf({ name })),
      counts: (name) => recount.add(name),
      tenant: (kind, path) => queues.get(kind)?.add(path),
      tenantLater: (kind, path) => queues.get(kind)?.addLater(path),
    }),
  );
  const reconcileNamed = (name: string) => queues.get('Organization')?.add(pathOf({ name }));
  const unsubscribeFleet = sidecars?.fleet.subscribe(reconcileNamed);
  const unsubscribeGateways = gateways?.watch.subscribe(reconcileNamed);
  let hasChecked = false;
  const resync = startResync(async () => {
    // Everything is reconciled when the database is back.
    if (health.outage() !== undefined) return;
    enqueueEverything(cluster, queues);
    try {
      if (!(await hasLiveWorker(db))) await doChores(db, log);
      await workers.tend();
      await restorePrivileges(db);
      if (!hasChecked) await checkConstraints(db, log);
      hasChecked = true;
      await limitRetainedRoles(db, fewestConnections);
      const ended = await endLongTransactions(db, maxTransactionMs);
      if (ended.length > 0) log.warn({ logins: ended }, 'ended sessions with transactions that were open for too long');
      await recordRemovals(context);
      const orphans = await removeOrphans(context, (kind, ...row) => tenantControls[kind].remove(context, ...row));
      for (const { kind, path } of orphans) queues.get(kind)?.add(path);
      if (orphans.length > 0) log.warn({ orphans }, 'took rows without a resource out of force');
    } catch (error) {
      log.warn({ err: error }, 'cannot check the database; the next resync tries again');
    }
  }, resyncMs);

  return {
    canUseDatabase: () => health.outage() === undefined,
    // One controller's work can add work for another, so all must be idle in the same pass.
    async idle() {
      do for (const controller of controllers) await controller.idle();
      while ([...queues.values()].some((queue) => !queue.isIdle));
      await workers.settled();
    },
    async stop() {
      unsubscribe();
      patient.stop();
      unsubscribeFleet?.();
      unsubscribeGateways?.();
      await Promise.all([
        resync.stop(),
        health.stop(),
        rules.stop(),
        circuits.stop(),
        webhooks.stop(),
        auditLog.stop(),
        retention.stop(),
        training?.stop(),
      ]);
      await probe.close();
      await Promise.all(controllers.map((controller) => controller.stop()));
      await workers.stop();
      await db.end();
    },
  };
}

/** What workers do (worker/chores.ts), where there is none. Sums are made up to date when they are read. */
async function doChores(db: Pool, log: Logger): Promise<void> {
  await makePartitionsAhead(db, log, Date.now());
  await deleteAllPast(db, (what, err) => log.warn({ err, what }, 'cannot delete what no longer counts'));
  await removePastRecords(db, {
    onFailure: (what, err) => log.warn({ err, what }, 'cannot remove what is no longer kept'),
  });
}

function enqueueOrganizations(cluster: Cluster, queues: ReadonlyMap<ReconciledKind, Queue>): void {
  for (const { metadata } of cluster.list('Organization')) queues.get('Organization')?.add(pathOf(metadata));
}

function enqueueEverything(cluster: Cluster, queues: ReadonlyMap<ReconciledKind, Queue>): void {
  enqueueOrganizations(cluster, queues);
  for (const kind of tenantKinds) {
    for (const { metadata } of cluster.list(kind)) queues.get(kind)?.addLater(pathOf(metadata));
  }
}
