import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { chart, release } from '../../scripts/cluster/product.ts';
import { predict } from '../../trainer/model/classifier.ts';
import { decodeModel } from '../../trainer/model/encode.ts';
import { makeS3Store } from '../../trainer/stores/s3.ts';
import { readWhole, type Store } from '../../trainer/stores/store.ts';
import { repository } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { atEnd, type Scope } from '../scope.ts';
import { makeReviews, toCsv } from '../trainer/reviews.ts';
import { s3Keys } from '../trainer/s3-server.ts';
import { until } from '../until.ts';
import { apply, helm, kubectl, makeTenant, operatorNamespace, query, skip, withService } from './cluster.ts';

const installation = ['--namespace', operatorNamespace, '--kubeconfig', process.env.KUBECONFIG ?? ''];
const validation = makeReviews(200, 2, 0.1);
const small = { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '256Mi' } };

suite('a model', { skip }, () => {
  test('is trained on two pods, one of which is killed, and answers governed calls', async (t) => {
    const namespace = 'e2e-training';
    await makeNamespace(t, namespace);
    const { name, organizationId } = await makeTenant(t, (tenant) => ({
      gateway: { replicas: 1, resources: { requests: { cpu: '20m', memory: '64Mi' } } },
      training: {
        namespace,
        modelStore: 's3://models/',
        dataStores: ['s3://data/'],
        s3: { endpoint: `http://s3.${namespace}.svc:9000`, secretName: 's3' },
        instanceTypes: [{ name: tenant, resources: small }],
      },
    }));
    await kubectl('label', 'namespace', namespace, `chaperone.dev/training-of=${name}`);
    await startS3(namespace);
    await withStore(namespace, async (store) => {
      await store.write('s3://data/train.csv', Buffer.from(toCsv(makeReviews(640, 1, 0.1))));
      await store.write('s3://data/validation.csv', Buffer.from(toCsv(validation)));
    });
    for (const condition of ['TrainingReady', 'GatewayReady']) {
      await kubectl('wait', `--for=condition=${condition}`, `organization/${name}`, '--timeout=180s');
    }
    const who = ['--organization', name, '--user', 'ada', '--roles', 'admin', '--expires', '1h'];
    const { stdout } = await runCli(['token', ...who, ...installation]);

    await withService(`chaperone-gateway-${name}`, 80, async (port) => {
      const ask = makeAsk(port, stdout.trim());
      const { job_id: jobId } = await ask('POST', '/api/v1/ai/distributed-training', {
        ...{ base_model: 'customerai-classifier', instance_count: 2, instance_type: name },
        ...{ training_data_uri: 's3://data/train.csv', validation_data_uri: 's3://data/validation.csv' },
        hyperparameters: { epochs: 4, batch_size: 16, step_delay_ms: 100 },
      });
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
      );
      const log = await fetch(done.logs_uri, { headers: { authorization: `Bearer ${stdout.trim()}` } });
      assert.match(await log.text(), /Going on from the checkpoint/);
      const weights = await withStore(namespace, (store) => readWhole(store, `${done.model_output_uri}model.bin`));
      const classifier = decodeModel(weights ?? assert.fail('there is no model'));
      const right = validation.filter(({ text, label }) => predict(classifier, text).label === label).length;
      t.diagnostic(`validation accuracy ${right / validation.length}`);
      assert.equal(done.progress.metrics.validation_accuracy, right / validation.length);
      assert.ok(right / validation.length > 0.85);

      await ask('POST', '/api/v1/ai/deploy', {
        ...{ model_uri: done.model_output_uri, deployment_name: 'reviews', replicas: 2 },
        resource_requirements: { cpu: '20m', memory: '128Mi' },
      });
      const look2 = () => ask('GET', '/api/v1/ai/deployments/reviews');
      await until(async () => (await look2()).status === 'IN_SERVICE', 'the model to be served', 120_000);
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
          [organizationId],
        );
        return rows.length > 0 && rows;
      }, 'the record');
      assert.deepEqual(records, [{ provider: 'deployment/reviews', tokens: 8, status: 'completed' }]);

      await ask('DELETE', '/api/v1/ai/deployments/reviews');
      const isGone = async () => (await ask('GET', '/api/v1/ai/deployments')).total === 0;
      await until(isGone, 'its pods to be gone', 120_000);
    });
  });
});

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

function withStore<T>(namespace: string, use: (store: Store) => Promise<T>): Promise<T> {
  const open = (port: number) =>
    use(makeS3Store({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', keys: s3Keys }));
  return withService('s3', 9_000, open, namespace);
}

// biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
function makeAsk(port: number, token: string): (method: string, path: string, body?: object) => Promise<any> {
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
