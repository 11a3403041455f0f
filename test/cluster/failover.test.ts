import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { readCertificates, toCertificateData } from '../../operator/certificates/certificate-secret.ts';
import { defaultCertificatePolicy } from '../../operator/certificates/decide.ts';
import { issueServing } from '../../operator/certificates/issue.ts';
import { defaultLeaderTimings } from '../../operator/runtime/leader.ts';
import { freePort } from '../free-port.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { makeOperatorStarter, type OperatorProcess, type StartOperatorProcess } from './operator-process.ts';
import { organization, persona } from './resources.ts';
import { startService, type TestService } from './service.ts';
import { governance, type Stage, setStage } from './stage.ts';

interface Replica extends OperatorProcess {
  readonly webhookPort: number;
}

interface LeaseSpec {
  readonly holderIdentity: string;
  readonly acquireTime: string;
  readonly renewTime: string;
}

interface Lease {
  readonly holder: string;
  readonly acquiredAtMs: number;
  readonly renewedAtMs: number;
}

const service = 'chaperone-webhook';
const serviceNames = [`${service}.${governance}.svc`, `${service}.${governance}.svc.cluster.local`];
const certificateSecret = `${governance}/chaperone-webhook-tls`;

describe('of several operators', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let startProcess: StartOperatorProcess;
  let webhooks: TestService;

  before(async () => {
    stage = await setStage(scope);
    const kubeConfig = kubeConfigOf(stage.server);
    startProcess = await makeOperatorStarter(scope, { kubeConfig, databaseUrl: stage.databaseUrl });
    webhooks = await startService(scope);
    await configureWebhooks(stage, webhooks.port);
    await stage.hands.create('Organization', 'acme', organization());
  });

  const startReplica = async (): Promise<Replica> => {
    const webhookPort = await freePort();
    const replica = await startProcess(
      ...['--image', 'chaperone:test', '--webhook-port', String(webhookPort)],
      ...['--webhook-service', service, '--webhook-configuration', 'chaperone'],
    );
    await until(async () => (await replica.ask('/readyz'))?.status === 200, 'a replica to be ready');
    webhooks.addEndpoint(webhookPort);
    return { ...replica, webhookPort };
  };
  /** As the kubelet and the endpoints controller see to it. */
  const end = async (replica: Replica, signal: 'SIGTERM' | 'SIGKILL') => {
    webhooks.removeEndpoint(replica.webhookPort);
    await replica.end(signal);
  };
  const readLease = async (): Promise<Lease> => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${governance}/leases/chaperone-operator`;
    const { spec } = await stage.client.send<{ spec: LeaseSpec }>({ method: 'GET', path });
    const { holderIdentity: holder, acquireTime, renewTime } = spec;
    return { holder, acquiredAtMs: Date.parse(acquireTime), renewedAtMs: Date.parse(renewTime) };
  };
  /** How long it takes until a new Persona is Ready, which only a leader sees to. */
  const untilLed = async (name: string) => {
    const startedAtMs = performance.now();
    await stage.hands.create('Persona', `web/${name}`, persona({ name }));
    await stage.hands.untilReason('Persona', `web/${name}`, 'Ready');
    return performance.now() - startedAtMs;
  };

  test('one leads and all admit pods, whichever of them ends, also while the certificate is renewed', async (t) => {
    const first = await startReplica();
    await first.untilLogged('reconciling');
    const { holder: firstHolder } = await readLease();
    const second = await startReplica();
    await untilLed('before');
    assert.ok(!second.messages.has('elected'));
    assert.equal((await readLease()).holder, firstHolder);
    const shown = [await certificateOf(first), await certificateOf(second)];
    assert.equal(shown[0], shown[1]);
    await until(async () => (await createPod(stage, 'probe')) === undefined, 'the webhooks to be called');

    const creation = keepCreating(t, stage);
    const due = await makeCertificateDue(stage);
    await until(async () => {
      const [one, other] = [await certificateOf(first), await certificateOf(second)];
      return one === other && ![shown[0], due].includes(one);
    }, 'both to show another certificate');
    await creation.untilMore(20);
    assert.deepEqual(creation.failures(), [], 'while the certificate was renewed');

    const stop = async () => {
      await end(first, 'SIGTERM');
      return readLease();
    };
    const [stopped, left] = await Promise.all([untilLed('after-stop'), stop()]);
    assert.equal(first.child.exitCode, 0);
    assert.notEqual(left.holder, firstHolder, 'the leader that stopped did not give the lease back');
    await second.untilLogged('elected');
    assert.deepEqual(creation.failures(), [], 'while the leader stopped');

    const third = await startReplica();
    await creation.untilMore(20);
    const held = await readLease();
    const [killed] = await Promise.all([untilLed('after-kill'), end(second, 'SIGKILL')]);
    await third.untilLogged('elected');
    const taken = await readLease();
    assert.notEqual(taken.holder, held.holder);
    assert.ok(taken.acquiredAtMs - held.renewedAtMs >= defaultLeaderTimings.leaseMs, 'it was taken before it ran out');
    await creation.untilMore(20);
    const failures = creation.failures();
    const made = await creation.stop();
    t.diagnostic(`clean stop to Ready: ${Math.round(stopped)} ms; kill to Ready: ${Math.round(killed)} ms`);
    t.diagnostic(`${made} pods were admitted; not admitted as the leader was killed: ${failures.length}`);
    assert.ok(failures.length <= creation.atOnce, `more than what was under way: ${failures.join('\n')}`);
  });
});

/** Has the API server call the webhooks by a Service, under the name that their certificate is for. */
async function configureWebhooks({ server }: Stage, port: number): Promise<void> {
  const create = async (path: string, body: object) => {
    const answer = await server.request('POST', path, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
  };
  await create(`/api/v1/namespaces/${governance}/services`, {
    metadata: { name: service },
    // There is no kube-proxy, and of all Services only this type is reached without one.
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
  });
  for (const [kind, path] of [
    ['mutatingwebhookconfigurations', '/mutate'],
    ['validatingwebhookconfigurations', '/validate'],
  ] as const) {
    const webhook = {
      name: 'pods.chaperone.dev',
      admissionReviewVersions: ['v1'],
      clientConfig: { service: { namespace: governance, name: service, port, path } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      sideEffects: 'NoneOnDryRun',
      failurePolicy: 'Fail',
    };
    await create(`/apis/admissionregistration.k8s.io/v1/${kind}`, {
      metadata: { name: 'chaperone' },
      webhooks: [webhook],
    });
  }
}

/** Puts a certificate into the operator's Secret that is to be renewed at once. @returns its serial number */
async function makeCertificateDue({ hands }: Stage): Promise<string> {
  const { data = {} } = (await hands.find('Secret', certificateSecret)) ?? {};
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
  const stored = readCertificates(Object.fromEntries(decoded));
  assert.ok(stored);
  const { servingLifetimeMs: lifetimeMs } = defaultCertificatePolicy;
  const serving = await issueServing(stored.authority, serviceNames, {
    lifetimeMs,
    nowMs: Date.now() - lifetimeMs * 0.9,
  });
  await hands.change('Secret', certificateSecret, { stringData: toCertificateData({ ...stored, serving }) });
  return new X509Certificate(serving.certificate).serialNumber;
}

/** The serial number of the certificate that a replica shows. */
async function certificateOf({ webhookPort }: Replica): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: webhookPort, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** @returns why the pod was not created with a sidecar; undefined where it was */
async function createPod({ server }: Stage, name: string): Promise<string | undefined> {
  const { status, body } = await server.request('POST', '/api/v1/namespaces/web/pods?dryRun=All', {
    metadata: { name, labels: { 'chaperone.dev/inject': 'true' } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  });
  if (status !== 201) return `${status}: ${body.message}`;
  return JSON.stringify(body.spec).includes('chaperone-proxy') ? undefined : 'It has no sidecar';
}

/** Creates one pod after another, some at once, until stopped. */
function keepCreating(t: TestContext, stage: Stage) {
  const [atOnce, pauseMs] = [4, 20];
  const failures: string[] = [];
  let made = 0;
  let isStopped = false;
  const work = async () => {
    while (!isStopped) {
      const failure = await createPod(stage, `web-${made}`);
      if (failure === undefined) made += 1;
      else failures.push(failure);
      await delay(pauseMs);
    }
  };
  const working = Promise.all(Array.from({ length: atOnce }, work));
  const stop = async () => {
    isStopped = true;
    await working;
    return made;
  };
  atEnd(t, stop);
  return {
    atOnce,
    stop,
    failures: () => [...failures],
    untilMore(count: number) {
      const enough = made + count;
      return until(() => made >= enough, `${count} more pods`);
    },
  };
}
