import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Client } from 'pg';
import { isNotFound } from '../../operator/cluster/kubernetes/api-error.ts';
import { makeGatewayObjects } from '../../operator/gateways/objects.ts';
import { watchGateways } from '../../operator/gateways/watch.ts';
import { defaultSidecar } from '../../operator/injection/settings.ts';
import { suiteScope } from '../scope.ts';
import { openableKeys } from '../sealed-keys.ts';
import { until } from '../until.ts';
import { log, skip } from './cluster-under-test.ts';
import { binding, decode, organization, secret } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const collections = {
  Deployment: `/apis/apps/v1/namespaces/${governance}/deployments`,
  Service: `/api/v1/namespaces/${governance}/services`,
  HorizontalPodAutoscaler: `/apis/autoscaling/v2/namespaces/${governance}/horizontalpodautoscalers`,
  PodDisruptionBudget: `/apis/policy/v1/namespaces/${governance}/poddisruptionbudgets`,
};
type Kind = keyof typeof collections;
const name = 'chaperone-gateway-acme';

describe('an Organization with a gateway', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let owner: Client;

  const find = async (kind: Kind) => {
    try {
      // biome-ignore lint/suspicious/noExplicitAny: an API object of any kind.
      return await stage.client.send<any>({ method: 'GET', path: `${collections[kind]}/${name}` });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  const untilGateway = (reason: string) =>
    until(async () => {
      const found = await stage.hands.find('Organization', 'acme');
      const condition = found?.status?.conditions?.find(({ type }) => type === 'GatewayReady');
      return condition?.reason === reason && condition;
    }, `GatewayReady to be ${reason}`);
  const change = (gateway: object | null) => stage.hands.change('Organization', 'acme', { spec: { gateway } });
  const scale = (replicas: number) =>
    stage.client.send({
      method: 'PATCH',
      path: `${collections.Deployment}/${name}`,
      query: { fieldManager: 'kube-controller-manager' },
      contentType: 'application/merge-patch+json',
      body: { spec: { replicas } },
    });
  /** What the Deployment's controller would report. */
  const report = async (ready: number) => {
    const { metadata, spec } = await find('Deployment');
    const { replicas } = spec;
    const counts = { replicas, updatedReplicas: replicas, readyReplicas: ready, availableReplicas: ready };
    await stage.client.send({
      method: 'PATCH',
      path: `${collections.Deployment}/${name}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { ...counts, observedGeneration: metadata.generation } },
    });
  };
  const openable = async () => {
    const found = await stage.hands.find('Secret', `${governance}/chaperone.gateway-acme`);
    return (
      found &&
      openableKeys(
        owner,
        Object.keys(found.data ?? {}).map((file) => decode(found, file)),
      )
    );
  };

  before(async () => {
    stage = await setStage(scope);
    const { hands, client } = stage;
    owner = new Client({ connectionString: stage.databaseUrl });
    await owner.connect();
    scope.after(() => owner.end());
    await hands.create('Namespace', 'api', {}, { labels: { org: 'acme' } });
    const observer = { listed: () => {}, watched: () => {} };
    const watch = watchGateways({ client, namespace: governance, observer, log });
    scope.after(() => watch.stop());
    await watch.reflector.synced;
    const settings = { ...defaultSidecar, namespace: governance, image: 'chaperone:now' };
    await stage.startOperator({
      gateways: { watch, settings, objects: makeGatewayObjects(client, governance) },
    });
    await hands.create('Organization', 'acme', organization({ sharing: [] }));
    for (const member of ['api', 'web']) {
      await hands.create('Secret', `${member}/openai`, secret({ key: `sk-${member}` }));
      await hands.create('ApiKeyBinding', `${member}/openai`, binding());
      await hands.untilReason('ApiKeyBinding', `${member}/openai`, 'Ready');
    }
  });

  test('has none, and no condition about it, until it asks for one', async () => {
    const found = await stage.hands.untilReason('Organization', 'acme', 'Ready');
    assert.ok(!found.status?.conditions?.some(({ type }) => type === 'GatewayReady'));
    assert.equal(await find('Deployment'), undefined);
    assert.equal(await openable(), undefined);
  });

  test('gets its objects and its pods’ state, and a change by hand does not last', async () => {
    await change({ namespaces: ['web'] });
    const progressing = await untilGateway('GatewayProgressing');
    assert.match(progressing.message, /0 of 2 pods are ready/);
    await report(1);
    await until(async () => /1 of 2/.test((await untilGateway('GatewayProgressing')).message), 'one pod to be counted');
    await report(2);
    const { message } = await untilGateway('GatewayReady');
    assert.match(message, /http:\/\/chaperone-gateway-acme\.governance\.svc\/v1/);
    assert.ok(await find('Service'));
    assert.ok(await find('PodDisruptionBudget'));
    assert.equal(await find('HorizontalPodAutoscaler'), undefined);
    await scale(7);
    await until(async () => (await find('Deployment')).spec.replicas === 2, 'the stated number to be back');
  });

  test('gives it the keys of the stated namespaces, and of no others', async () => {
    assert.deepEqual(await openable(), ['sk-web']);
    await change({ namespaces: ['web', 'api'] });
    await until(async () => (await openable())?.join() === 'sk-api,sk-web', 'the second namespace’s key to open');
    await change({ namespaces: null });
    await until(async () => (await openable())?.join() === '', 'no namespace’s key to open');
    await change({ namespaces: ['web', 'governance'] });
    assert.match((await untilGateway('GatewayNamespacesNotMembers')).message, /Organization: governance\./);
    await change({ namespaces: ['web'] });
  });

  test('leaves the number of pods to the autoscaler', async () => {
    await change({ maxReplicas: 6 });
    const scaler = await until(() => find('HorizontalPodAutoscaler'), 'the autoscaler');
    assert.deepEqual([scaler.spec.minReplicas, scaler.spec.maxReplicas], [2, 6]);
    await scale(4);
    await report(4);
    await until(async () => /4 of 4/.test((await untilGateway('GatewayReady')).message), 'four pods to be counted');
    await change({ maxReplicas: null });
    await until(async () => !(await find('HorizontalPodAutoscaler')), 'the autoscaler to go');
    await until(async () => (await find('Deployment')).spec.replicas === 2, 'the stated number to be back');
  });

  test('waits for a certificate that permits its use', async () => {
    await change({ tls: { secretName: 'acme-tls' } });
    assert.match((await untilGateway('CertificateMissing')).message, /governance\/acme-tls.*does not exist/);
    await stage.hands.create('Secret', `${governance}/acme-tls`, secret({ 'tls.crt': 'a', 'tls.key': 'b' }));
    await untilGateway('CertificateNotPermitted');
    await stage.hands.change('Secret', `${governance}/acme-tls`, {
      metadata: { labels: { 'chaperone.dev/certificate-of': 'acme' } },
    });
    await until(async () => (await find('Service')).spec.ports[0].port === 443, 'the port of HTTPS');
    await report(2);
    assert.match((await untilGateway('GatewayReady')).message, /https:\/\/chaperone-gateway-acme\.governance\.svc\/v1/);
  });

  test('does not touch an object that is another’s', async () => {
    await change(null);
    await until(async () => !(await find('Service')), 'the Service to go');
    const foreign = { metadata: { name }, spec: { ports: [{ port: 1 }] } };
    await stage.client.send({ method: 'POST', path: collections.Service, body: foreign });
    await change({});
    assert.match((await untilGateway('GatewayNameTaken')).message, /Service governance\/chaperone-gateway-acme/);
    assert.equal((await find('Service')).spec.ports[0].port, 1);
    await stage.client.send({ method: 'DELETE', path: `${collections.Service}/${name}` });
    await until(() => find('Deployment'), 'the Deployment');
  });

  test('has nothing of it left when it asks for none, or is deleted', async () => {
    await change({ maxReplicas: 4 });
    await until(() => find('HorizontalPodAutoscaler'), 'the autoscaler');
    await change(null);
    for (const kind of Object.keys(collections) as Kind[]) await until(async () => !(await find(kind)), `no ${kind}`);
    await until(async () => {
      const { status } = (await stage.hands.find('Organization', 'acme')) ?? {};
      return !status?.conditions?.some(({ type }) => type === 'GatewayReady');
    }, 'the condition to go');
    assert.equal(await openable(), undefined);
    await change({});
    await until(() => find('Deployment'), 'the Deployment');
    await stage.hands.remove('Organization', 'acme');
    await until(async () => !(await stage.hands.find('Organization', 'acme')), 'the Organization to go');
    for (const kind of Object.keys(collections) as Kind[]) assert.equal(await find(kind), undefined, kind);
    assert.equal(await openable(), undefined);
  });
});
