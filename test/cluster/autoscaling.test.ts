import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { issueAuthority, issueServing } from '../../operator/certificates/issue.ts';
import { makeGatewayObjects } from '../../operator/gateways/objects.ts';
import { watchGateways } from '../../operator/gateways/watch.ts';
import { defaultSidecar } from '../../operator/injection/settings.ts';
import { makeDirectory } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { assets, log, skip } from './cluster-under-test.ts';
import { binding, organization, secret } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const program = join(assets ?? '', 'kube-controller-manager');
const name = 'chaperone-gateway-acme';
const deployments = `/apis/apps/v1/namespaces/${governance}/deployments`;
const autoscalers = `/apis/autoscaling/v2/namespaces/${governance}/horizontalpodautoscalers`;
const pods = `/api/v1/namespaces/${governance}/pods`;
const gateway = {
  ...{ replicas: 1, maxReplicas: 3, targetCpuPercent: 60 },
  resources: { requests: { cpu: '100m', memory: '64Mi' } },
};

interface Pod {
  readonly metadata: { readonly name: string; readonly labels: object; readonly deletionTimestamp?: string };
  readonly status: { readonly phase: string };
}

/** Kubernetes' own controllers; the test is the kubelet, which has the pods run, and the server of their metrics. */
describe('the autoscaler of a gateway', {
  skip: skip || (!existsSync(program) && 'needs kube-controller-manager beside the API server'),
}, () => {
  const scope = suiteScope();
  let stage: Stage;
  /** What all pods use together, in thousandths of a processor. */
  let load = 30;

  const send = <T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) =>
    stage.client.send<T>({
      ...{ method, path, ...(body && { body }) },
      ...(method === 'PATCH' && { contentType: 'application/merge-patch+json' }),
    });
  const listPods = async () => {
    const { items } = await send<{ items: Pod[] }>('GET', pods);
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  };
  const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  /** What a kubelet would report. */
  const runPods = async () => {
    for (const { metadata, status } of await listPods()) {
      if (status.phase === 'Running') continue;
      const ready = { type: 'Ready', status: 'True', lastTransitionTime: now() };
      const running = { phase: 'Running', startTime: now(), conditions: [ready] };
      await send('PATCH', `${pods}/${metadata.name}/status`, { status: running }).catch(() => {});
    }
  };
  const replicas = async () => {
    await runPods();
    const { spec, status } = await send<{ spec: { replicas: number }; status: { readyReplicas?: number } }>(
      ...(['GET', `${deployments}/${name}`] as const),
    );
    return [spec.replicas, status.readyReplicas ?? 0];
  };
  const untilReplicas = (count: number) =>
    until(async () => (await replicas()).every((found) => found === count), `${count} pods`);

  const podMetrics = async () => {
    const running = (await listPods()).filter(({ status }) => status.phase === 'Running');
    return running.map(({ metadata: { name: pod, labels } }) => ({
      ...{ metadata: { name: pod, namespace: governance, labels }, timestamp: new Date().toISOString(), window: '1s' },
      containers: [{ name: 'proxy', usage: { cpu: `${Math.round(load / running.length)}m`, memory: '100Mi' } }],
    }));
  };

  /** An API server of the test's own behind Kubernetes' aggregation layer. */
  const serveMetrics = async () => {
    const validity = { lifetimeMs: 86_400_000, nowMs: Date.now() };
    const { certificate, privateKey } = await issueServing(await issueAuthority(validity), ['localhost'], validity);
    const server = createServer({ cert: certificate, key: privateKey }, async (asked, response) => {
      const isList = asked.url?.includes(`/namespaces/${governance}/pods`);
      const resource = { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] };
      const body = isList
        ? { kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items: await podMetrics() }
        : { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'metrics.k8s.io/v1beta1', resources: [resource] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await once(server.listen(0, 'localhost'), 'listening');
    scope.after(async () => server.close().closeAllConnections());
    const { port } = server.address() as AddressInfo;
    await send('POST', `/api/v1/namespaces/${governance}/services`, {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'metrics' } },
      spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port, protocol: 'TCP' }] },
    });
    await send('POST', '/apis/apiregistration.k8s.io/v1/apiservices', {
      ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1beta1.metrics.k8s.io' } },
      spec: {
        ...{ group: 'metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100 },
        ...{ service: { name: 'metrics', namespace: governance, port }, insecureSkipTLSVerify: true },
      },
    });
  };

  const startControllers = async () => {
    const { url, token, ca } = stage.server;
    const kubeconfig = join(await makeDirectory(scope), 'kubeconfig');
    const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    };
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    const controllers = ['deployment-controller', 'replicaset-controller', 'horizontal-pod-autoscaler-controller'];
    const patience = ['sync-period', 'downscale-stabilization', 'cpu-initialization-period', 'initial-readiness-delay'];
    const child = spawn(
      program,
      [
        ...['--kubeconfig', kubeconfig, '--leader-elect=false', '--secure-port=0'],
        `--controllers=${controllers.join(',')}`,
        ...patience.map((what) => `--horizontal-pod-autoscaler-${what}=1s`),
      ],
      { stdio: 'ignore' },
    );
    scope.after(async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    });
  };

  before(async () => {
    stage = await setStage(scope);
    const { hands, client } = stage;
    const observer = { listed: () => {}, watched: () => {} };
    const watch = watchGateways({ client, namespace: governance, observer, log });
    scope.after(() => watch.stop());
    await watch.reflector.synced;
    const settings = { ...defaultSidecar, namespace: governance, image: 'chaperone:now' };
    await stage.startOperator({ gateways: { watch, settings, objects: makeGatewayObjects(client, governance) } });
    await hands.create('Organization', 'acme', organization({ gateway }));
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-web' }));
    await hands.create('ApiKeyBinding', 'web/openai', binding());
    await serveMetrics();
    await startControllers();
    const made = () => send('GET', `${deployments}/${name}`).catch(() => undefined);
    await until(made, 'the operator to make the Deployment');
  });

  test('adds pods while they are busy, up to maxReplicas, and takes them away afterwards', async () => {
    await untilReplicas(1);
    load = 300;
    await untilReplicas(3);
    const { status } = await send<{
      status: { currentReplicas: number; conditions: { type: string; status: string }[] };
    }>(...(['GET', `${autoscalers}/${name}`] as const));
    assert.deepEqual(
      status.conditions
        .filter(({ status: is }) => is === 'True')
        .map(({ type }) => type)
        .sort(),
      ['AbleToScale', 'ScalingActive', 'ScalingLimited'],
    );
    // The operator leaves the number to the autoscaler, also where it applies something else.
    await stage.hands.change('Organization', 'acme', { spec: { gateway: { targetCpuPercent: 61 } } });
    await until(async () => {
      const { spec } = await send<{ spec: { metrics: { resource: { target: { averageUtilization: number } } }[] } }>(
        ...(['GET', `${autoscalers}/${name}`] as const),
      );
      return spec.metrics[0]?.resource.target.averageUtilization === 61;
    }, 'the operator to apply the change');
    assert.equal((await replicas())[0], 3);
    load = 30;
    await untilReplicas(1);
  });
});
