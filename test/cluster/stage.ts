import { Pool } from 'pg';
import { defaultTimings, type ReflectorTimings } from '../../operator/cluster/kubernetes/reflector.ts';
import {
  type ApiClient,
  type KubernetesCluster,
  makeApiClient,
  makeKubernetesCluster,
} from '../../operator/cluster/kubernetes.ts';
import { type Operator, type OperatorOptions, startOperator } from '../../operator/operator.ts';
import { makeTestDatabase } from '../database.ts';
import type { Scope } from '../scope.ts';
import type { ApiServer } from './api-server.ts';
import { kubeConfigOf, log, startServerWithKinds } from './cluster-under-test.ts';
import { type Hands, makeHands } from './resources.ts';

/** The operator's own namespace. */
export const governance = 'governance';

/** An API server and a database with an operator between them, all in the test's own hands. */
export interface Stage {
  readonly server: ApiServer;
  /** An administrator's. */
  readonly client: ApiClient;
  readonly hands: Hands;
  /** The owner's. */
  readonly databaseUrl: string;
  /** Absent where the run was given a server of someone else's. */
  readonly superuserUrl: string | undefined;
  readonly db: Pool;
  /** Starts the operator; one at a time. */
  startOperator(options?: StageOperatorOptions): Promise<RunningOperator>;
}

export interface StageOperatorOptions extends Partial<OperatorOptions> {
  /** The operator's; the administrator's where absent. */
  readonly client?: ApiClient;
  readonly timings?: ReflectorTimings;
}

export interface RunningOperator extends Operator {
  readonly cluster: KubernetesCluster;
}

/** Sets the stage: with namespace `web`, which belongs to organization `acme`, and without an operator yet. */
export async function setStage(scope: Scope): Promise<Stage> {
  const database = await makeTestDatabase();
  scope.after(() => database.close());
  const server = await startServerWithKinds();
  scope.after(() => server.close());
  const client = makeApiClient({ kubeConfig: kubeConfigOf(server) });
  scope.after(() => client.close());
  const db = new Pool({ connectionString: database.url, max: 2 });
  scope.after(() => db.end());
  const hands = makeHands(client);
  await hands.create('Namespace', governance);
  await hands.create('Namespace', 'web', {}, { labels: { org: 'acme' } });
  return {
    server,
    client,
    hands,
    databaseUrl: database.url,
    superuserUrl: database.superuserUrl,
    db,
    async startOperator({ client: own = client, timings = defaultTimings, ...options } = {}) {
      const cluster = makeKubernetesCluster({ client: own, namespace: governance, log, timings });
      await cluster.start();
      const operator = await startOperator({
        ...{ cluster, namespace: governance, databaseUrl: database.url, log },
        ...options,
      });
      let stopping: Promise<void> | undefined;
      const stop = () => {
        stopping ??= operator.stop().then(() => cluster.close());
        return stopping;
      };
      scope.after(stop);
      return { ...operator, cluster, stop };
    },
  };
}
