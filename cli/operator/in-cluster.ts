import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import { makeAuditMetrics } from '../../operator/audit/metrics.ts';
import { openRequestStore } from '../../operator/audit/request-store.ts';
import { makeLeaseStore } from '../../operator/cluster/kubernetes/leases.ts';
import { makeServiceAccountIssuer } from '../../operator/cluster/kubernetes/service-account-issuer.ts';
import { type KubernetesCluster, makeApiClient, makeKubernetesCluster } from '../../operator/cluster/kubernetes.ts';
import { makeGatewayObjects } from '../../operator/gateways/objects.ts';
import { type GatewayWatch, watchGateways } from '../../operator/gateways/watch.ts';
import { makeRuleMetrics } from '../../operator/limits/metrics.ts';
import { type Operator, startOperator } from '../../operator/operator.ts';
import { type Candidacy, leadAlone, standForElection } from '../../operator/runtime/leader.ts';
import {
  makeLeaderMetric,
  makeReflectorMetrics,
  makeRestClientMetrics,
  makeRuntimeMetrics,
} from '../../operator/runtime/metrics.ts';
import { findStuckReflector, makeMonitoringServer } from '../../operator/runtime/monitoring.ts';
import { makeBuildMetric, makeDatabaseMetric, makeResourceMetrics } from '../../operator/runtime/resource-metrics.ts';
import { TextRegistry } from '../../operator/runtime/text-registry.ts';
import { makeFindInadmissible } from '../../operator/sidecars/admissible.ts';
import { type Fleet, startFleet } from '../../operator/sidecars/fleet.ts';
import { makeFindPod, makeWorkloads } from '../../operator/sidecars/workloads.ts';
import { makeTrainingObjects } from '../../operator/training/objects.ts';
import { openOperatorTraces } from './traces.ts';
import {
  type InjectionOptions,
  injectionSettingsOf,
  startCertificates,
  startPaths,
  startWebhooks,
} from './webhooks.ts';

export interface InClusterOptions extends InjectionOptions {
  /** The version of this program, for metrics. */
  readonly version: string;
  readonly namespace: string;
  readonly kubeconfig?: string;
  readonly metricsPort: number;
  readonly leaderElection: boolean;
  /** Whether it may run gateways. */
  readonly gateways?: boolean;
  readonly gatewayPullSecrets?: readonly string[];
  /** Where it may train and serve models. */
  readonly trainingNamespaces?: readonly string[];
  readonly concurrency: number;
  readonly resyncMs: number;
  readonly propagationMs: number;
}

interface InClusterContext {
  readonly databaseUrl: string;
  readonly proxyDatabaseUrl: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

const lease = 'chaperone-operator';

/** Longer than old and new operators overlap in an upgrade. */
const rolloutPauseMs = 60_000;

/**
 * Runs the operator against an API server until SIGTERM or SIGINT. Every replica watches and serves the webhooks, and
 * the leader also reconciles. A leader that loses the Lease exits, so that none of its work goes on.
 */
export async function operateInCluster(options: InClusterOptions, context: InClusterContext): Promise<void> {
  const { log } = context;
  const releasers: (() => Promise<unknown>)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (code: number) => {
    stopping ??= (async () => {
      for (const release of releasers.splice(0).reverse()) await release();
      process.exit(code);
    })();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(0));
  try {
    await run(options, context, releasers);
  } catch (error) {
    if (!stopping) log.fatal({ err: error }, 'the operator cannot start');
    stop(1);
  }
}

async function run(
  options: InClusterOptions,
  { databaseUrl, proxyDatabaseUrl, environment, log }: InClusterContext,
  releasers: (() => Promise<unknown>)[],
): Promise<void> {
  const { namespace, concurrency, resyncMs, propagationMs } = options;
  const registry = new TextRegistry();
  collectDefaultMetrics({ register: registry });
  // These are gauges with names of counters. The same figures by type stay.
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  makeBuildMetric(registry, options.version);
  const client = makeApiClient({ kubeConfig: loadKubeConfig(options), onAnswer: makeRestClientMetrics(registry) });
  releasers.push(() => client.close());
  let isSynced = false;
  let fleet: Fleet | undefined;
  let gateways: GatewayWatch | undefined;
  const reflectors = () => [...cluster.reflectors(), ...[fleet, gateways].flatMap((one) => one?.reflector ?? [])];
  const observer = makeReflectorMetrics(registry, reflectors);
  const cluster: KubernetesCluster = makeKubernetesCluster({
    client,
    namespace,
    log,
    observer,
  });
  releasers.push(() => cluster.close());
  let databaseWait: string | undefined;
  const notReady = () => (isSynced ? (databaseWait ?? webhooks?.notReady()) : 'the caches are not filled yet');
  const unhealthy = () => findStuckReflector(reflectors(), Date.now());
  const monitoring = makeMonitoringServer({ registry, unhealthy, notReady });
  await once(monitoring.listen(options.metricsPort, '0.0.0.0'), 'listening');
  releasers.push(async () => monitoring.close());

  let webhooks: Awaited<ReturnType<typeof startWebhooks>>;
  await cluster.start();
  isSynced = true;
  log.info('the caches are filled');
  const requests = openRequestStore(databaseUrl, log);
  releasers.push(requests.close);
  webhooks = await startWebhooks(options, { cluster, client, registry, log, keepRequest: requests.keep });
  if (webhooks) releasers.push(webhooks.stop);

  const identity = `${hostname()}_${randomUUID()}`;
  const candidacy: Candidacy = options.leaderElection
    ? standForElection({ leases: makeLeaseStore(client, namespace, lease), identity, log })
    : leadAlone();
  makeLeaderMetric(registry, lease, candidacy.isLeader);
  releasers.push(candidacy.stop);
  await candidacy.elected;
  candidacy.lost.then(() => {
    log.fatal('another operator may lead by now; exiting');
    process.exit(1);
  });
  // The caches may not show the last writes of the former leader yet.
  await cluster.refresh();
  const certificates = startCertificates(options, { cluster, client, log });
  if (certificates) releasers.push(certificates.stop);
  const paths = startPaths(options, { client, log });
  if (paths) releasers.push(paths.stop);
  const settings = injectionSettingsOf(options);
  if (settings) {
    fleet = startFleet({ cluster, client, settings, observer, registry, log });
    releasers.push(fleet.stop);
  }
  if (settings && options.gateways) {
    gateways = watchGateways({ client, namespace, observer, log });
    releasers.push(gateways.stop);
    await gateways.reflector.synced;
  }
  const traces = await openOperatorTraces({ environment, version: options.version, registry, log });
  if (traces) releasers.push(traces.close);
  const metrics = makeRuntimeMetrics(registry);
  makeResourceMetrics(registry, cluster);
  const ruleMetrics = makeRuleMetrics(registry);
  const auditMetrics = makeAuditMetrics(registry);
  let running: Operator | undefined;
  makeDatabaseMetric(registry, () => running?.canUseDatabase() ?? (databaseWait === undefined ? undefined : false));
  running = await startOperator({
    ...{
      cluster,
      namespace,
      databaseUrl,
      proxyDatabaseUrl,
      concurrency,
      resyncMs,
      propagationMs,
      metrics,
      ruleMetrics,
      auditMetrics,
      log,
    },
    ...(traces && { onWork: traces.onWork }),
    serviceAccountIssuer: makeServiceAccountIssuer(client),
    onDatabaseWait: (reason) => {
      databaseWait = reason;
    },
    ...(fleet && {
      sidecars: {
        fleet,
        workloads: makeWorkloads(client),
        findInadmissible: makeFindInadmissible(makeFindPod(client)),
        rollsFromMs: Date.now() + rolloutPauseMs,
      },
    }),
    ...(gateways &&
      settings && {
        gateways: {
          watch: gateways,
          objects: makeGatewayObjects(client, namespace),
          settings: { ...settings, namespace, imagePullSecrets: options.gatewayPullSecrets ?? [] },
        },
      }),
    ...(settings &&
      options.trainingNamespaces && {
        training: {
          objects: makeTrainingObjects(client),
          settings: {
            ...settings,
            imagePullSecrets: options.gatewayPullSecrets ?? [],
            namespaces: options.trainingNamespaces,
          },
        },
      }),
  });
  releasers.push(running.stop);
  log.info('reconciling');
}

function loadKubeConfig({ kubeconfig }: InClusterOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  return config;
}
