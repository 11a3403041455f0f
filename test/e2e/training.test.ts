import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { chart, release } from '../../scripts/cluster/product.ts';
import { predict } from '../../trainer/model/classifier.ts';
import { decodeModel } from '../../trainer/model/encode.ts';
import { makeS3Store } from '../../trainer/stores/s3.ts';
import { readWhole, type Store } from '../../trainer/stores/store.ts';
import { repository } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { atEnd, type Scope, suiteScope } from '../scope.ts';
import { makeReviews, toCsv } from '../trainer/reviews.ts';
import { s3Keys } from '../trainer/s3-server.ts';
import { until } from '../until.ts';
import {
  apply,
  helm,
  kubectl,
  makeTenant,
  operatorNamespace,
  query,
  skip,
  type Tenant,
  withService,
} from './cluster.ts';

const installation = ['--namespace', operatorNamespace, '--kubeconfig', process.env.KUBECONFIG ?? ''];
const validation = makeReviews(200, 2, 0.1);
const small = { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '256Mi' } };

const namespace = 'e2e-training';

suite('a model', { skip }, () => {
  const scope = suiteScope();
  let tenant: Tenant;
  let token: string;

  before(async () => {
    await makeNamespace(scope, namespace);
    tenant = await makeTenant(scope, (name) => ({
      gateway: { replicas: 1, resources: { requests: { cpu: '20m', memory: '64Mi' } } },
      training: {
        namespace,
        modelStore: 's3://models/',
        dataStores: ['s3://data/'],
        s3: { endpoint: `http://s3.${namespace}.svc:9000`, secretName: 's3' },
        instanceTypes: [{ name, resources: small }],
      },
    }));
    const { name } = tenant;
    await kubectl('label', 'namespace', namespace, `chaperone.dev/training-of=${name}`);
    for (const condition of ['TrainingReady', 'GatewayReady']) {
      await kubectl('wait', `--for=condition=${condition}`, `organization/${name}`, '--timeout=180s');
    }
    const who = ['--organization', name, '--user', 'ada', '--roles', 'admin', '--expires', '1h'];
    token = (await runCli(['token', ...who, ...installation])).stdout.trim();
  });
  const withGateway = (use: (ask: Ask) => Promise<void>) =>
    withService(`chaperone-gateway-${tenant.name}`, 80, (port) => use(makeAsk(port, token)));

  test('is trained on two pods, one of which is killed, and answers governed calls', async (t) => {
    await startS3(namespace);
    await withStore(namespace, async (store) => {
      await store.write('s3://data/train.csv', Buffer.from(toCsv(makeReviews(640, 1, 0.1))));
      await store.write('s3://data/validation.csv', Buffer.from(toCsv(validation)));
    });
    await withGateway(async (ask) => {
      const done = await train(ask, 's3://data/', t);
      const weights = await withStore(namespace, (store) => readWhole(store, `${done.model_output_uri}model.bin`));
      const classifier = decodeModel(weights ?? assert.fail('there is no model'));
      const right = validation.filter(({ text, label }) => predict(classifier, text).label === label).length;
      t.diagnostic(`validation accuracy ${right / validation.length}`);
      assert.equal(done.progress.metrics.validation_accuracy, right / validation.length);
      assert.ok(right / validation.length > 0.85);

      await deploy(ask, done.model_output_uri, 2);
      const content = 'Honestly, your app was quick and friendly.';
      const messages = [{ role: 'user', content }];
      const answer = await ask('POST', '/v1/chat/completions', { model: 'reviews', messages });
      const said = JSON.parse(answer.choices[0].message.content);
      const own = predict(classifier, content);
      assert.deepEqual([said.label, said.confidence], [own.label, own.confidence]);
      const records = await until(async () => {
        const rows = await query<{ provider: string; tokens: number; status: string }>(
          `select provider, total_tokens::integer as tokens, status from chaperone.requests
           where organization_id = $1 and model = 'reviews'`,
          [tenant.organizationId],
        );
        return rows.length > 0 && rows;
      }, 'the record');
      assert.deepEqual(records, [{ provider: 'deployment/reviews', tokens: 8, status: 'completed' }]);
      await undeploy(ask);
    });
  });

  test('is trained from a claim, goes on there from its checkpoint, and is served from there', async (t) => {
    await fillClaim(namespace, {
      'train.csv': toCsv(makeReviews(640, 1, 0.1)),
      'validation.csv': toCsv(validation),
    });
    const stores = { modelStore: 'pvc://store/models/', dataStores: ['pvc://store/data/'] };
    const change = JSON.stringify({ spec: { training: stores } });
    await kubectl('patch', 'organization', tenant.name, '--type=merge', '--patch', change);
    await withGateway(async (ask) => {
      const done = await train(ask, 'pvc://store/data/', t);
      assert.match(done.model_output_uri, /^pvc:\/\/store\/models\/train-/);
      await deploy(ask, done.model_output_uri, 1);
      const texts = validation.map(({ text }) => text);
      const { predictions } = await ask('POST', '/api/v1/ai/predict/reviews', { texts });
      const right = validation.filter(({ label }, at) => predictions[at].label === label).length;
      t.diagnostic(`validation accuracy ${right / validation.length}`);
      assert.equal(done.progress.metrics.validation_accuracy, right / validation.length);
      assert.ok(right / validation.length > 0.85);
      await undeploy(ask);
    });
  });

  /** On two pods, the first of which is killed in the second epoch. @returns the job */
  // biome-ignore lint/suspicious/noExplicitAny: a training job
  async function train(ask: Ask, data: string, t: { diagnostic(message: string): void }): Promise<any> {
    const order = {
      ...{ base_model: 'customerai-classifier', instance_count: 2, instance_type: tenant.name },
      ...{ training_data_uri: `${data}train.csv`, validation_data_uri: `${data}validation.csv` },
      hyperparameters: { epochs: 4, batch_size: 16, step_delay_ms: 100 },
    };
    // The stores of the Organization may not be in force yet.
    const start = () => ask('POST', '/api/v1/ai/distributed-training', order).catch(() => undefined);
    const { job_id: jobId } = await until(start, 'the job to be taken');
    const look = () => ask('GET', `/api/v1/ai/training-job/${jobId}`);
    const running = await until(
      async () => {
        const job = await look();
        assert.ok(['STARTING', 'IN_PROGRESS'].includes(job.status), JSON.stringify(job));
        return job.progress.current_epoch >= 2 && job;
      },
      'the second epoch',
      120_000,
    );
    t.diagnostic(JSON.stringify(running.progress));
    const first = ['--selector', `chaperone.dev/training-job=${jobId},batch.kubernetes.io/job-completion-index=0`];
    await kubectl('delete', 'pods', '--namespace', namespace, ...first, '--grace-period=0', '--force');
    const done = await until(
      async () => {
        const job = await look();
        assert.ok(job.status !== 'FAILED', JSON.stringify(job));
        return job.status === 'COMPLETED' && job;
      },
      'the job to be completed',
      120_000,
    ).catch(async (error: unknown) => {
      t.diagnostic(JSON.stringify(await look()));
      throw error;
    });
    const log = await fetch(done.logs_uri, { headers: { authorization: `Bearer ${token}` } });
    assert.match(await log.text(), /Going on from the checkpoint/);
    return done;
  }
});

async function deploy(ask: Ask, modelUri: string, replicas: number): Promise<void> {
  await ask('POST', '/api/v1/ai/deploy', {
    ...{ model_uri: modelUri, deployment_name: 'reviews', replicas },
    resource_requirements: { cpu: '20m', memory: '128Mi' },
  });
  const look = () => ask('GET', '/api/v1/ai/deployments/reviews');
  await until(async () => (await look()).status === 'IN_SERVICE', 'the model to be served', 120_000);
}

async function undeploy(ask: Ask): Promise<void> {
  await ask('DELETE', '/api/v1/ai/deployments/reviews');
  const isGone = async () => (await ask('GET', '/api/v1/ai/deployments')).total === 0;
  await until(isGone, 'its pods to be gone', 120_000);
}

/** The chart's value gives the operator its rights there. */
async function makeNamespace(scope: Scope, namespace: string): Promise<void> {
  const upgrade = (names: string) =>
    helm(
      ...['upgrade', release, chart, '--namespace', operatorNamespace, '--reuse-values'],
      ...['--set-json', `operator.trainingNamespaces=${names}`, '--wait', '--timeout', '180s'],
    );
  await apply(namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  atEnd(scope, () => kubectl('delete', 'namespace', namespace, '--wait=false'));
  await upgrade(JSON.stringify([namespace]));
  atEnd(scope, () => upgrade('[]'));
}

/** A store of the test's own, in the product's image. */
async function startS3(namespace: string): Promise<void> {
  const script = await readFile(join(repository, 'test/trainer/s3-server.ts'), 'utf8');
  const image = await kubectl(
    ...['get', 'deployment', 'chaperone', '--namespace', operatorNamespace],
    '--output=jsonpath={.spec.template.spec.containers[0].image}',
  );
  const { accessKeyId, secretAccessKey } = s3Keys;
  await apply(
    namespace,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 's3' }, data: { 's3-server.ts': script } },
    {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's3' } },
      stringData: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 's3', labels: { app: 's3' } } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            ...{ name: 's3', image, command: ['node', '/s3/s3-server.ts'] },
            readinessProbe: { tcpSocket: { port: 9000 }, periodSeconds: 1 },
            volumeMounts: [{ name: 's3', mountPath: '/s3' }],
          },
        ],
        volumes: [{ name: 's3', configMap: { name: 's3' } }],
      },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 's3' } },
      spec: { selector: { app: 's3' }, ports: [{ port: 9000 }] },
    },
  );
  await kubectl('wait', '--for=condition=Ready', 'pod/s3', '--namespace', namespace, '--timeout=120s');
}

/** A claim `store` with files in its folder `data`, to which every group may write. */
async function fillClaim(namespace: string, files: Readonly<Record<string, string>>): Promise<void> {
  await apply(
    namespace,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'data' }, data: files },
    {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'store' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'fill' } },
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            ...{ name: 'fill', image: 'busybox:dev' },
            // Volumes of this kind know no group of a pod.
            command: ['sh', '-c', 'mkdir -p /store/data && cp /data/*.csv /store/data/ && chmod -R a+rwX /store'],
            volumeMounts: [
              { name: 'data', mountPath: '/data' },
              { name: 'store', mountPath: '/store' },
            ],
          },
        ],
        volumes: [
          { name: 'data', configMap: { name: 'data' } },
          { name: 'store', persistentVolumeClaim: { claimName: 'store' } },
        ],
      },
    },
  );
  const phase = '--for=jsonpath={.status.phase}=Succeeded';
  await kubectl('wait', phase, 'pod/fill', '--namespace', namespace, '--timeout=120s');
}

function withStore<T>(namespace: string, use: (store: Store) => Promise<T>): Promise<T> {
  const open = (port: number) =>
    use(makeS3Store({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', keys: s3Keys }));
  return withService('s3', 9_000, open, namespace);
}

// biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
type Ask = (method: string, path: string, body?: object) => Promise<any>;

function makeAsk(port: number, token: string): Ask {
  return async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, `${method} ${path}: ${text}`);
    const json = JSON.parse(text);
    return json.data ?? json;
  };
}
