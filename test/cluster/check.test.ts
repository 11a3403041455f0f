import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type CheckResult, judge } from '../../cli/check/check.ts';
import { chartResources } from '../../cli/check/cluster/rights.ts';
import { checkCluster, clusterGroups } from '../../cli/check/cluster/run.ts';
import { issueAuthority } from '../../operator/certificates/issue.ts';
import { parseRendered, render } from '../charts/helm.ts';
import { program } from '../program.ts';
import { runCli } from '../run-cli.ts';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import { type ApiServer, hasApiServer, startApiServer } from './api-server.ts';
import {
  create,
  credentials,
  edit,
  install,
  makeLease,
  makePod,
  makeServing,
  notReady,
  operatorNamespace,
  organizationStatus,
  ownVersion,
  paths,
  putStatus,
  ready,
  remove,
  sidecarStatus,
  toSecret,
} from './installation.ts';

const assets = process.env.KUBEBUILDER_ASSETS;
const skip = hasApiServer(assets)
  ? false
  : 'needs an API server: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver';

describe('chaperone check', { skip }, () => {
  let server: ApiServer;
  let directory: string;
  let kubeconfig: string;
  before(async () => {
    assert(assets);
    server = await startApiServer(assets);
    directory = await mkdtemp(join(tmpdir(), 'chaperone-check-'));
    kubeconfig = await writeKubeconfig(directory, server, { token: server.token });
    await checksBeforeInstall();
    await install(server);
    await installRoles(server);
  });
  after(async () => {
    await server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const look = async (pre = false) => {
    const groups = await checkCluster({ kubeconfig, namespace: operatorNamespace, ownVersion, pre });
    return { groups, worst: judge(groups), wrong: groups.flatMap(({ checks }) => checks).filter(isWrong) };
  };
  const checksBeforeInstall = async () => {
    const before = await look(true);
    // This API server has no nodes, and nobody has asked to have any image pulled.
    assert.deepEqual([idsOf(before.wrong), before.worst], [['images'], 'warning']);
    assert.match(itemsOf(before.wrong).join(), /^chaperone:\S+: on 0 of 0 nodes$/);
    const { wrong } = await look();
    assert.deepEqual(idsOf(wrong), ['definitions-established'], 'nothing can be said after that');
  };

  test('finds nothing wrong with a working installation', async () => {
    const { groups, wrong } = await look();
    assert.deepEqual(wrong, []);
    assert.equal(groups.length, 7);
  });

  test('prints for people and for programs, and its exit code tells the result', async (t) => {
    const args = ['check', '--kubeconfig', kubeconfig];
    const good = await runCli(args);
    assert.equal(good.code, 0, good.stdout + good.stderr);
    t.diagnostic(`\n${good.stdout}`);
    await remove(server, paths.credentials);
    atEnd(t, () => create(server, paths.credentials, credentials));
    const bad = await runCli([...args, '--output', 'short']);
    assert.equal(bad.code, 1);
    assert.match(
      bad.stdout,
      /× every member namespace has its credentials\n.*\n.*namespace shop: there is no Secret chaperone-acme/,
    );
    assert.match(bad.stdout, /see docs\/kubernetes\.md#check-credentials/);
    const json = JSON.parse((await runCli([...args, '--output', 'json'])).stdout);
    assert.equal(json.success, false);
  });

  test('waits until all is well', async () => {
    await remove(server, paths.credentials);
    const args = ['check', '--kubeconfig', kubeconfig, '--wait', '60s', '--output', 'short'];
    const waiting = spawn(process.execPath, [program(), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(waiting, 'exit');
    const [sentence] = await once(createInterface({ input: waiting.stderr }), 'line');
    assert.match(sentence, /^Waiting until every member namespace has its credentials/);
    await create(server, paths.credentials, credentials);
    const [code] = await exited;
    assert.equal(code, 0);
  });

  test('names definitions of another version before an upgrade', async (t) => {
    await changeDefinition(t, server);
    const { wrong } = await look(true);
    assert.deepEqual(idsOf(wrong), ['images', 'leftover-definitions']);
    assert.match(itemsOf(wrong).join(), /personas\.chaperone\.dev: spec\.versions\[0\]\.additionalPrinterColumns/);
    assert.deepEqual(idsOf((await look()).wrong), ['definitions-current']);
  });

  test('says only that the API server does not know the user, where that is so', async () => {
    const stranger = await writeKubeconfig(directory, server, { token: 'nobody-knows-this' });
    const groups = await checkCluster({ kubeconfig: stranger, namespace: operatorNamespace, ownVersion, pre: false });
    const [wrong, ...more] = groups.flatMap(({ checks }) => checks);
    assert.equal(wrong?.id, 'api-reachable');
    assert.match(JSON.stringify(wrong.finding), /Unauthorized.*kubectl version/);
    assert.deepEqual(more, []);
  });

  test('names the rights that the user lacks before an install', async () => {
    const onlooker = await writeKubeconfig(directory, server, { token: server.token, as: 'onlooker' });
    const groups = await checkCluster({ kubeconfig: onlooker, namespace: operatorNamespace, ownVersion, pre: true });
    const rights = groups.flatMap(({ checks }) => checks).filter(({ id }) => id === 'rights');
    assert.deepEqual(itemsOf(rights).length, chartResources.length);
    assert(itemsOf(rights).includes(`networkpolicies.networking.k8s.io in namespace ${operatorNamespace}`));
  });

  test('names a ReplicaSet whose pods are refused, until they exist', async (t) => {
    const replicaSets = '/apis/apps/v1/namespaces/shop/replicasets';
    const labels = { app: 'refused' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
    const spec = { replicas: 1, selector: { matchLabels: labels }, template };
    await create(server, `${replicaSets}/refused`, { spec, status: { replicas: 0 } });
    atEnd(t, () => remove(server, `${replicaSets}/refused`));
    const webhook =
      'admission webhook "inject.chaperone.dev" denied the request: NoOrganization: Namespace "shop" belongs';
    await create(server, '/api/v1/namespaces/shop/events/refused', {
      involvedObject: { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop', name: 'refused' },
      ...{ type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${webhook}` },
    });
    atEnd(t, () => remove(server, '/api/v1/namespaces/shop/events/refused'));
    const refused = await look();
    assert.deepEqual(idsOf(refused.wrong), ['pods-admitted']);
    assert.match(itemsOf(refused.wrong).join(), /^ReplicaSet shop\/refused: NoOrganization: Namespace "shop" belongs$/);
    await putStatus(server, `${replicaSets}/refused`, { replicas: 1 });
    assert.deepEqual((await look()).wrong, []);
  });

  /** What is done to the installation, and what the check says of it. */
  const disturbances: readonly {
    readonly title: string;
    readonly disturb: (t: TestContext) => Promise<void>;
    readonly finds: Readonly<Record<string, RegExp>>;
    readonly worst?: 'warning';
  }[] = [
    {
      title: 'the operator is down',
      disturb: async (t) => withStatus(t, paths.deployment, { observedGeneration: 1, replicas: 2 }),
      finds: { 'operator-available': /None of 2 replicas/ },
    },
    {
      title: 'the leader has not renewed its Lease',
      disturb: (t) => withEdit(t, paths.lease, { spec: makeLease(new Date(Date.now() - 7_200_000)) }),
      finds: { 'operator-leader': /chaperone-0 holds the Lease/ },
    },
    {
      title: 'nobody serves the webhook',
      disturb: (t) => withEdit(t, paths.endpoints, { endpoints: [] }),
      finds: { 'webhook-endpoints': /chaperone-webhook has no ready endpoint/ },
    },
    {
      title: "another authority signed the webhook's certificate",
      disturb: async (t) => {
        const stranger = await issueAuthority({ lifetimeMs: 1e9, nowMs: Date.now() });
        await withEdit(t, paths.certificate, toSecret(await makeServing(stranger, 90)));
      },
      finds: { 'webhook-trust': /no authority in its caBundle has signed the certificate/ },
    },
    {
      title: 'an organization is not stored',
      disturb: (t) =>
        withStatus(t, paths.organization, {
          ...organizationStatus,
          ...notReady('DatabaseUnavailable', 'The database does not answer.'),
        }),
      finds: {
        'database-available': /acme: The database does not answer/,
        'organizations-ready': /acme: DatabaseUnavailable: The database does/,
        'database-ready': /acme/,
        'database-limits': /acme/,
      },
    },
    {
      title: 'a binding is not ready',
      disturb: (t) => withStatus(t, paths.binding, notReady('SecretNotFound', 'Create Secret "openai".')),
      finds: { 'bindings-ready': /ApiKeyBinding shop\/openai: SecretNotFound: Create Secret "openai"\./ },
    },
    {
      title: 'a change of a persona has not been looked at',
      disturb: (t) => withStatus(t, paths.persona, { ...ready, observedGeneration: 0 }),
      finds: { 'personas-ready': /the latest change/ },
    },
    {
      title: 'a pod runs ungoverned',
      disturb: (t) => withPod(t, 'bare', makePod('bare', { isInjected: false })),
      finds: { 'pods-governed': /shop\/bare/ },
    },
    {
      title: 'a pod of the network of its node cannot have a sidecar',
      disturb: (t) => withPod(t, 'host', makePod('host', { isInjected: false, changes: { hostNetwork: true } })),
      finds: { 'pods-governed': /shop\/host: The pod uses the network of its node/ },
      worst: 'warning',
    },
    {
      title: 'a pod shares its processes with a sidecar, which a newer version refuses',
      disturb: (t) =>
        withPod(t, 'sharing', makePod('sharing', { isInjected: true, changes: { shareProcessNamespace: true } })),
      finds: { 'pods-admissible': /shop\/sharing: .*shareProcessNamespace/ },
      worst: 'warning',
    },
    {
      title: 'a sidecar crashes',
      disturb: (t) =>
        withStatus(t, paths.pod, {
          phase: 'Pending',
          initContainerStatuses: [
            sidecarStatus(false, { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } }),
          ],
        }),
      finds: { 'sidecars-ready': /shop\/web: CrashLoopBackOff: back-off/ },
    },
    {
      title: 'the operator gives new pods another image',
      disturb: (t) =>
        edit(server, paths.deployment, withImage('chaperone:0.1.0-rc.1')).then(() =>
          atEnd(t, () => edit(server, paths.deployment, withImage(`chaperone:${ownVersion}`))),
        ),
      finds: { 'sidecars-current': /shop\/web/, 'operator-available': /roll-out/ },
      worst: 'warning',
    },
  ];

  for (const { title, disturb, finds, worst = 'failed' } of disturbances) {
    test(`says that ${title}`, async (t) => {
      await disturb(t);
      const found = await look();
      assert.deepEqual(idsOf(found.wrong), Object.keys(finds).sort());
      for (const { id, finding } of found.wrong)
        assert.match(JSON.stringify(finding).replaceAll('\\"', '"'), finds[id] ?? /$^/);
      assert.equal(found.worst, worst);
    });
  }

  test('checks one namespace with the rights of its administrator', async (t) => {
    const admin = await writeKubeconfig(directory, server, { token: server.token, as: 'ada' });
    const check = async (scope: string) => {
      const groups = await checkCluster({
        kubeconfig: admin,
        namespace: operatorNamespace,
        scope,
        ownVersion,
        pre: false,
      });
      const checks = groups.flatMap((group) => group.checks);
      return {
        worst: judge(groups),
        statuses: Object.fromEntries(checks.map(({ id, finding }) => [id, finding.status])),
      };
    };
    await bindTo(t, server, 'ada', 'shop');
    const { statuses, worst } = await check('shop');
    assert.deepEqual(statuses, {
      'api-reachable': 'ok',
      'kubernetes-version': 'ok',
      'namespace-member': 'ok',
      'database-available': 'ok',
      'bindings-ready': 'ok',
      'bindings-lasting': 'ok',
      'personas-ready': 'ok',
      'analysis-configs-ready': 'ok',
      'pods-governed': 'ok',
      'pods-admitted': 'ok',
      'sidecars-ready': 'ok',
      'pods-keyed': 'ok',
      // Organizations are of the whole cluster.
      'pods-belong': 'unknown',
      'sidecars-current': 'unknown',
      'pods-admissible': 'unknown',
    });
    assert.equal(worst, 'unknown');
    await withStatus(t, paths.binding, notReady('SecretNotFound', 'Create Secret "openai".'));
    assert.equal((await check('shop')).statuses['bindings-ready'], 'failed');
    assert.equal((await check('default')).statuses['namespace-member'], 'unknown', 'it is another namespace');
  });

  test('says that a namespace belongs to no Organization', async () => {
    for (const [scope, says] of [
      ['default', /belongs to no Organization.*kubectl label namespace default/],
      ['nowhere', /There is no namespace "nowhere"/],
    ] as const) {
      const groups = await checkCluster({ kubeconfig, namespace: operatorNamespace, scope, ownVersion, pre: false });
      const member = groups.flatMap(({ checks }) => checks).find(({ id }) => id === 'namespace-member');
      assert.match(JSON.stringify(member?.finding).replaceAll('\\"', '"'), says);
    }
  });

  test('names what it may not read', async () => {
    const onlooker = await writeKubeconfig(directory, server, { token: server.token, as: 'onlooker' });
    const groups = await checkCluster({ kubeconfig: onlooker, namespace: operatorNamespace, ownVersion, pre: false });
    const wrong = groups.flatMap(({ checks }) => checks).filter(isWrong);
    assert.deepEqual([...new Set(wrong.map(({ finding }) => finding.status))], ['unknown']);
    // All but what the API server tells of itself.
    assert.equal(wrong.length, clusterGroups.flatMap(({ checks }) => checks).length - 2);
    const said = new Map(wrong.map(({ id, finding }) => [id, 'message' in finding ? finding.message : '']));
    assert.equal(
      said.get('definitions-established'),
      'you may not list customresourcedefinitions.apiextensions.k8s.io in the whole cluster',
    );
    assert.equal(said.get('operator-available'), 'you may not list deployments.apps in namespace chaperone-system');
  });

  async function withEdit(t: TestContext, path: string, change: object): Promise<void> {
    const { body } = await server.request('GET', path);
    await edit(server, path, (object) => ({ ...object, ...change }));
    atEnd(t, () => edit(server, path, ({ metadata }) => ({ ...body, metadata: { ...body.metadata, ...metadata } })));
  }

  async function withStatus(t: TestContext, path: string, status: object): Promise<void> {
    const { body } = await server.request('GET', path);
    await putStatus(server, path, status);
    atEnd(t, () => putStatus(server, path, { ...('status' in body && body.status instanceof Object && body.status) }));
  }

  async function withPod(t: TestContext, name: string, pod: Parameters<typeof create>[2]): Promise<void> {
    const path = `/api/v1/namespaces/shop/pods/${name}`;
    await create(server, path, pod);
    atEnd(t, () => remove(server, path));
  }
});

function isWrong({ finding }: CheckResult): boolean {
  return finding.status !== 'ok';
}

function idsOf(results: readonly CheckResult[]): readonly string[] {
  return results.map(({ id }) => id).sort();
}

function itemsOf(results: readonly CheckResult[]): readonly string[] {
  return results.flatMap(({ finding }) => ('items' in finding ? (finding.items ?? []) : []));
}

/** Those of the chart for people. */
async function installRoles(server: ApiServer): Promise<void> {
  const rendered = parseRendered(await render('--set', 'database.bundled.enabled=true'));
  for (const role of rendered.filter(
    ({ kind, metadata }) => kind === 'ClusterRole' && /-(view|edit)$/.test(metadata.name),
  )) {
    await create(server, `/apis/rbac.authorization.k8s.io/v1/clusterroles/${role.metadata.name}`, role);
  }
}

/**
 * Gives a user the rights of the built-in role `admin` in a namespace, with those of ours that are added to it. Which roles
 * make it up is told by a label; what adds them up is a controller, which is not there.
 */
async function bindTo(t: TestContext, server: ApiServer, user: string, namespace: string): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const parts = new Set<string>();
  for (const role of ['view', 'edit', 'admin']) {
    const label = `rbac.authorization.k8s.io/aggregate-to-${role}%3Dtrue`;
    const { body } = await server.request('GET', `${rbac}/clusterroles?labelSelector=${label}`);
    const roles = 'items' in body ? (body.items as { metadata: { name: string } }[]) : [];
    for (const { metadata } of roles) parts.add(metadata.name);
  }
  assert.ok(parts.has('system:aggregate-to-admin'));
  for (const name of parts) {
    const binding = `${rbac}/namespaces/${namespace}/rolebindings/${user}-${name.replace(':', '-')}`;
    await create(server, binding, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name: user, apiGroup: 'rbac.authorization.k8s.io' }],
    });
    atEnd(t, () => remove(server, binding));
  }
  const review = { resourceAttributes: { namespace, verb: 'list', group: 'chaperone.dev', resource: 'personas' } };
  await until(async () => {
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const { body } = await server.request('POST', path, { spec: { user, ...review } });
    return JSON.stringify(body).includes('"allowed":true');
  }, 'the rights to hold');
}

/** Renames a printer column of the Persona's definition for the time of a test. */
async function changeDefinition(t: TestContext, server: ApiServer): Promise<void> {
  const rename = (from: string, to: string) =>
    edit(server, paths.personaDefinition, (object) =>
      JSON.parse(JSON.stringify(object).replace(`"name":"${from}","type"`, `"name":"${to}","type"`)),
    );
  await rename('Reason', 'Why');
  atEnd(t, () => rename('Why', 'Reason'));
}

function withImage(image: string) {
  return (object: object) => JSON.parse(JSON.stringify(object).replaceAll(/--image=[^"]+/g, `--image=${image}`));
}

async function writeKubeconfig(
  directory: string,
  server: ApiServer,
  user: { readonly token: string; readonly as?: string },
): Promise<string> {
  const file = join(await mkdtemp(join(directory, 'user-')), 'kubeconfig');
  const cluster = { server: server.url, 'certificate-authority-data': Buffer.from(server.ca).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}
