import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { makeEnvelope } from '../../../../database/envelope.ts';
import { listAllDeployments, noteDeployment } from '../../../../database/training/deployments.ts';
import { noteTraining } from '../../../../database/training/jobs.ts';
import { openServingKey } from '../../../../database/training/serving-key.ts';
import { serve } from '../../../../trainer/serving/serve.ts';
import { makeFileStore } from '../../../../trainer/stores/files.ts';
import { connect } from '../../../database/tenant.ts';
import { makeDirectory } from '../../../directories.ts';
import { suiteScope } from '../../../scope.ts';
import { enforceTraining } from '../../../trainer/enforce-training.ts';
import { makeSmallModel } from '../../../trainer/small-model.ts';
import { until } from '../../../until.ts';
import { type Insights, startInsights } from './insights-stack.ts';

const training = {
  namespace: 'acme-training',
  instanceTypes: [{ name: 'small' }, { name: 'ml.g4dn.xlarge' }],
  modelStore: 's3://acme-models/',
  dataStores: ['s3://acme-data/'],
  maxJobs: 2,
  maxInstances: 4,
  maxDeployments: 2,
  maxReplicas: 5,
};
const order = {
  base_model: 'customerai-classifier',
  training_data_uri: 's3://acme-data/sentiment.csv',
  validation_data_uri: 's3://acme-data/validation.csv',
  hyperparameters: { learning_rate: 2e-5, epochs: 3, batch_size: 16 },
  instance_count: 4,
  instance_type: 'ml.g4dn.xlarge',
};
const happy = 'Honestly, your app was quick and friendly.';

/** Training and deployment through the front door. The test does what the operator does in a cluster. */
describe('training and deployment', () => {
  const scope = suiteScope();
  let insights: Insights;
  let db: Client;
  let admin: string;
  let ann: string;
  let organizationId: string;
  before(async () => {
    insights = await startInsights(scope, { surfaces: ['insights', 'chat'], 'models.allow': ['sentiment-*'] });
    db = await connect(scope, insights.stack.database.url);
    admin = await insights.stack.sign({ user: 'root', roles: ['admin'] });
    ann = await insights.stack.sign({ user: 'ann', roles: ['analyst'] });
    const { rows } = await db.query('select organization_id as id from chaperone.organizations');
    organizationId = rows[0].id;
  });

  const ask = (method: string, path: string, body?: object, token = admin) =>
    insights.ask(method, path, body, { token });

  it('are refused with the reason where there is no cluster', async () => {
    const without = await ask('POST', '/ai/distributed-training', order);
    assert.deepEqual([without.status, without.body.code], [503, 'training_unavailable']);
    assert.match(without.body.message, /no spec\.training/);
    await enforceTraining(db, { ...training, unavailable: 'There is no cluster here.' });
    const said = await until(async () => {
      const { body } = await ask('POST', '/ai/distributed-training', order);
      return !/no spec/.test(body.message) && body;
    }, 'the reason to be in force');
    assert.deepEqual([said.status_code, said.message], [503, 'There is no cluster here.']);
    await enforceTraining(db, training);
    const unknown = { ...order, base_model: 'gpt-9' };
    const isChecked = async () => (await ask('POST', '/ai/distributed-training', unknown)).status === 400;
    await until(isChecked, 'training to be allowed');
  });

  it('check what is asked for, field by field', async () => {
    const cases: readonly (readonly [object, string, RegExp])[] = [
      [{ training_data_uri: 's3://acme-data/../secret.csv' }, 'training_data_uri', /below one of s3:\/\/acme-data/],
      [{ training_data_uri: 's3://other/x.csv' }, 'training_data_uri', /below one of s3:\/\/acme-data/],
      [{ validation_data_uri: 'file:///etc/passwd' }, 'validation_data_uri', /s3/],
      [{ base_model: 'gpt-9' }, 'base_model', /must be one of customerai-classifier/],
      [{ instance_count: 5 }, 'instance_count', /at most 4/],
      [{ instance_type: 'huge' }, 'instance_type', /one of small, ml\.g4dn\.xlarge/],
    ];
    for (const [change, field, says] of cases) {
      const { status, body } = await ask('POST', '/ai/distributed-training', { ...order, ...change });
      assert.equal(status, 400, field);
      assert.match(body.details[field], says);
    }
    const deployment = { model_uri: 's3://acme-models/x/', deployment_name: 'mine' };
    for (const [change, field] of [
      [{ model_uri: 's3://acme-data/x/' }, 'model_uri'],
      [{ model_uri: 's3://acme-models/' }, 'model_uri'],
      [{ deployment_name: 'Not a name' }, 'deployment_name'],
      [{ replicas: 6 }, 'replicas'],
      [{ auto_scaling: { min_replicas: 3, max_replicas: 2 } }, 'auto_scaling.min_replicas'],
      [{ resource_requirements: { cpu: 'much' } }, 'resource_requirements.cpu'],
    ] as const) {
      const { status, body } = await ask('POST', '/ai/deploy', { ...deployment, ...change });
      assert.equal(status, 400, field);
      assert.ok(body.details[field], JSON.stringify(body.details));
    }
  });

  it('show a job from its start to its end', async () => {
    assert.equal((await ask('POST', '/ai/distributed-training', order, ann)).status, 403);
    const { status, body } = await ask('POST', '/ai/distributed-training', order);
    assert.equal(status, 200, JSON.stringify(body));
    const { job_id: id } = body.data;
    assert.match(id, /^train-\d{4}-\d\d-\d\d-[0-9a-f]{10}$/);
    const logs = `http://${new URL(insights.stack.baseUrl).host}/api/v1/ai/training-job/${id}/logs`;
    assert.deepEqual(body.data, {
      ...{ job_id: id, status: 'STARTING', estimated_time: 'unknown', logs_uri: logs },
      model_output_uri: `s3://acme-models/${id}/`,
    });
    const progress = {
      current_epoch: 2,
      total_epochs: 3,
      current_step: 150,
      total_steps: 200,
      metrics: { train_loss: 0.2 },
    };
    await noteTraining(db, organizationId, id, { status: 'IN_PROGRESS', message: null, progress, log: 'Line 1\n' });
    const running = (await ask('GET', `/ai/training-job/${id}`, undefined, ann)).body.data;
    assert.deepEqual([running.status, running.progress], ['IN_PROGRESS', progress]);
    assert.ok(Date.parse(running.estimated_completion) >= Date.now() - 1_000);
    const log = await fetch(logs, { headers: { authorization: `Bearer ${ann}` } });
    assert.deepEqual([log.headers.get('content-type'), await log.text()], ['text/plain; charset=utf-8', 'Line 1\n']);
    await noteTraining(db, organizationId, id, { status: 'COMPLETED', message: null });
    const done = (await ask('GET', `/ai/training-job/${id}`)).body.data;
    assert.deepEqual([done.status, done.progress, done.estimated_completion], ['COMPLETED', progress, null]);
    assert.equal((await ask('POST', `/ai/training-job/${id}/cancel`)).body.code, 'training_job_ended');
    assert.equal((await ask('GET', '/ai/training-job/train-none')).body.code, 'training_job_not_found');
  });

  it('keep to the number of jobs, and cancel one', async () => {
    const started = await Promise.all([1, 2, 3].map(() => ask('POST', '/ai/distributed-training', order)));
    assert.deepEqual(started.map(({ status }) => status).toSorted(), [200, 200, 429]);
    const [first] = started.filter(({ status }) => status === 200);
    assert.equal(first?.body.data.estimated_time, '1 minute', 'by the job before');
    const id = first?.body.data.job_id;
    assert.equal((await ask('POST', `/ai/training-job/${id}/cancel`, undefined, ann)).status, 403);
    assert.equal((await ask('POST', `/ai/training-job/${id}/cancel`)).status, 200);
    const { rows } = await db.query('select cancel_requested_at from chaperone.training_jobs where job_id = $1', [id]);
    assert.ok(rows[0].cancel_requested_at instanceof Date);
    const list = (await ask('GET', '/ai/training-jobs?status=STARTING&limit=1', undefined, ann)).body.data;
    assert.deepEqual([list.total, list.jobs.length, list.limit], [2, 1, 1]);
  });

  it('let a deployed model answer calls, which are accounted for', async () => {
    const directory = await makeDirectory(scope);
    await mkdir(join(directory, 'model'));
    await writeFile(join(directory, 'model/model.bin'), makeSmallModel());
    const asked = {
      model_uri: 's3://acme-models/some-model',
      deployment_name: 'sentiment-prod',
      deployment_strategy: 'kubernetes',
      replicas: 3,
      auto_scaling: { min_replicas: 2, max_replicas: 5, target_utilization: 70 },
      resource_requirements: { cpu: '2', memory: '4Gi', gpu: '1' },
    };
    const made = (await ask('POST', '/ai/deploy', asked)).body.data;
    assert.match(made.deployment_id, /^deploy-\d{4}-\d\d-\d\d-[0-9a-f]{10}$/);
    assert.deepEqual([made.status, made.model_uri], ['CREATING', 's3://acme-models/some-model/']);
    assert.match(made.endpoint, /\/api\/v1\/ai\/predict\/sentiment-prod$/);
    const notReady = () => ask('POST', '/ai/predict/sentiment-prod', { texts: [happy] }, ann);
    await until(async () => (await notReady()).body.code === 'deployment_not_ready', 'the deployment to be known');
    assert.equal((await ask('POST', '/ai/predict/nobody', { texts: [happy] })).body.code, 'deployment_not_found');

    const token = await openKey();
    const uri = `${pathToFileURL(directory).href}/model/`;
    const server = await serve({ store: makeFileStore(), modelUri: uri, name: 'sentiment-prod', token, port: 0 });
    scope.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}/v1`;
    assert.equal((await fetch(`${address}/models`)).status, 401, 'only proxies know its key');
    await noteDeployment(db, organizationId, made.deployment_id, {
      ...{ status: 'IN_SERVICE', message: null, address, readyReplicas: 2 },
    });

    const client = new OpenAI({ baseURL: insights.stack.baseUrl, apiKey: ann, maxRetries: 0 });
    const completion = await until(
      () =>
        client.chat.completions
          .create({ model: 'sentiment-prod', messages: [{ role: 'user', content: happy }] })
          .catch(() => undefined),
      'the model to answer',
    );
    const said = JSON.parse(completion.choices[0]?.message.content ?? '');
    assert.equal(said.label, 'positive');
    assert.deepEqual(Object.keys(said.scores), ['negative', 'neutral', 'positive']);
    assert.equal(completion.usage?.total_tokens, 8);
    const stream = await client.chat.completions.create({
      ...{ model: 'sentiment-prod', messages: [{ role: 'user', content: happy }], stream: true },
    });
    let streamed = '';
    for await (const { choices } of stream) streamed += choices[0]?.delta.content ?? '';
    assert.deepEqual(JSON.parse(streamed), said);

    const texts = [happy, 'To whom it may concern, the branch was rude and slow.'];
    const { status, body } = await ask('POST', '/ai/predict/sentiment-prod', { texts }, ann);
    assert.equal(status, 200, JSON.stringify(body));
    const labels = body.data.predictions.map(({ label }: { label: string }) => label);
    assert.deepEqual(labels, ['positive', 'negative']);
    assert.deepEqual(body.data.predictions[0], said);

    const question = { model_name: 'sentiment-prod', data: { text: happy }, explanation_method: 'shap' };
    const explained = (await ask('POST', '/ai/explain', question, ann)).body.data;
    assert.equal(explained.prediction.sentiment, 'positive');
    const { base_value: base, output_value: output, feature_importance: features } = explained.explanation;
    const sum = features.reduce((all: number, { importance }: { importance: number }) => all + importance, base);
    assert.ok(Math.abs(sum - output) < 1e-4 && Math.abs(output - said.scores.positive) < 1e-4);

    const records = await until(async () => {
      const { rows } = await db.query(
        `select operation, provider, status, total_tokens::integer as tokens from chaperone.requests
         where model = 'sentiment-prod' and kind = 'call' order by started_at`,
      );
      return rows.length === 3 && rows;
    }, 'the records');
    const call = { operation: 'chat', provider: 'deployment/sentiment-prod', status: 'completed', tokens: 8 };
    assert.deepEqual(records, [call, call, { ...call, operation: 'completions', tokens: 20 }]);
  });

  it('deploy again under the name, and delete', async () => {
    const again = { model_uri: 's3://acme-models/next/', deployment_name: 'sentiment-prod' };
    const changed = (await ask('POST', '/ai/deploy', again)).body.data;
    assert.deepEqual([changed.model_uri, changed.revision, changed.auto_scaling], ['s3://acme-models/next/', 2, null]);
    await ask('POST', '/ai/deploy', { ...again, deployment_name: 'second' });
    assert.equal((await ask('POST', '/ai/deploy', { ...again, deployment_name: 'third' })).status, 429);
    assert.equal((await ask('GET', '/ai/deployments', undefined, ann)).body.data.total, 2);
    assert.equal((await ask('DELETE', '/ai/deployments/sentiment-prod', undefined, ann)).status, 403);
    assert.equal((await ask('DELETE', '/ai/deployments/sentiment-prod')).status, 200);
    const isKnown = async () =>
      (await ask('POST', '/ai/predict/sentiment-prod', { texts: [happy] })).body.code !== 'deployment_not_found';
    await until(async () => !(await isKnown()), 'its calls to have nowhere to go');
    const { code } = (await ask('POST', '/ai/deploy', again)).body;
    assert.equal(code, 'name_taken');
    await noteDeployment(db, organizationId, changed.deployment_id, {
      ...{ status: 'DELETED', message: null, address: null, readyReplicas: 0 },
    });
    assert.equal((await ask('GET', '/ai/deployments')).body.data.total, 1);
  });

  /** As the operator does for the pods. */
  async function openKey(): Promise<string> {
    const [row] = await listAllDeployments(db);
    assert.ok(row);
    const keys = await readFile(join(insights.stack.credentialsDirectory, 'data-keys.json'), 'utf8');
    return openServingKey(
      makeEnvelope(JSON.parse(keys)),
      { organizationId, deploymentId: row.deploymentId },
      row.keySealed,
    );
  }
});
