import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Agent, request } from 'undici';
import { openWebhookKey, secretPath } from '../../operator/injection/webhook-key.ts';
import { needApiServer } from '../dashboards/exceptions.ts';
import { type Prometheus, startPrometheus, skip as withoutPrometheus } from '../dashboards/prometheus.ts';
import { panelQueries, ruleFile, ruleQueries } from '../dashboards/promql.ts';
import { freePort } from '../free-port.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { makeOperatorStarter } from './operator-process.ts';
import { organization } from './resources.ts';
import { governance, setStage } from './stage.ts';

/** What `test/dashboards` cannot see without an API server. */
describe('dashboards and rules about an operator in a cluster', { skip: skip || withoutPrometheus }, () => {
  const scope = suiteScope();
  let prometheus: Prometheus;

  before(async () => {
    const stage = await setStage(scope);
    const start = await makeOperatorStarter(scope, {
      kubeConfig: kubeConfigOf(stage.server),
      databaseUrl: stage.databaseUrl,
    });
    await stage.hands.create('Organization', 'acme', organization());
    const [port, webhookPort] = [await freePort(), await freePort()];
    const operator = await start(
      ...['--image', 'chaperone:test', '--metrics-port', String(port), '--webhook-port', String(webhookPort)],
    );
    await operator.untilLogged('reconciling');
    await stage.hands.untilReason('Organization', 'acme', 'Ready');
    await stage.client.send({
      ...{ method: 'POST', path: '/api/v1/namespaces/web/pods' },
      body: {
        metadata: { name: 'old', labels: { 'chaperone.dev/injected': 'true' } },
        spec: { containers: [{ name: 'app', image: 'app' }] },
      },
    });
    const key = await openWebhookKey({ client: stage.client, namespace: governance });
    prometheus = await startPrometheus(
      scope,
      [{ job: 'chaperone-metrics', port, labels: { namespace: governance, pod: 'chaperone-0' }, honorsLabels: true }],
      [ruleFile],
    );
    for (let round = 0; round < 2; round += 1) {
      for (const path of ['mutate', 'validate'] as const) await review(webhookPort, secretPath(key, path));
      await prometheus.untilScraped();
    }
    await until(async () => (await prometheus.query('chaperone_sidecars')).length > 0, 'the pod to be counted');
  });

  /** Asks a webhook about a pod that has no sidecar and cannot get one, as an API server does. */
  async function review(port: number, path: string): Promise<void> {
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    const labels = { 'chaperone.dev/inject': 'true' };
    const object = {
      metadata: { name: 'asked', labels, annotations: { 'chaperone.dev/organization': 'nobody' } },
      spec: { containers: [{ name: 'app', image: 'app' }] },
    };
    const body = JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        ...{ uid: 'u-1', operation: 'CREATE', kind: { group: '', version: 'v1', kind: 'Pod' }, namespace: 'web' },
        object,
      },
    });
    const answer = await request(`https://127.0.0.1:${port}${path}`, { method: 'POST', body, dispatcher });
    assert.equal(answer.statusCode, 200, await answer.body.text());
    await dispatcher.close();
  }

  test('find data', async () => {
    const queries = [...panelQueries(), ...ruleQueries()].filter(({ place }) => place in needApiServer);
    assert.equal(queries.length, Object.keys(needApiServer).length);
    const empty: string[] = [];
    for (const { place, expr } of queries) {
      const samples = await prometheus.query(expr);
      if (!samples.some(({ value }) => !Number.isNaN(value))) empty.push(place);
    }
    assert.deepEqual(empty, []);
  });

  test('can be narrowed to a namespace that has sidecars', async () =>
    assert.deepEqual(await prometheus.labelValues('namespace', 'chaperone_sidecars{organization=~".*"}'), ['web']));
});
