import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { atEnd, suiteScope } from '../scope.ts';
import {
  apply,
  call,
  getJson,
  kubectl,
  makeTenant,
  operatorNamespace,
  podTemplate,
  skip,
  startWorkload,
} from './cluster.ts';

suite('an organization’s credentials cannot be read by', { skip }, () => {
  const scope = suiteScope();
  let name: string;
  before(async () => {
    ({ name } = await makeTenant(scope));
    await startWorkload(name);
  });

  test('pods that would read them, beside a sidecar or without one', async () => {
    assert.ok((await call(name, {})).id);
    const volumes = [{ name: 'loot', secret: { secretName: `chaperone-${name}` } }];
    for (const labels of [{}, { 'chaperone.dev/inject': 'true' }]) {
      await assert.rejects(apply(name, makePod('thief', { labels, spec: { volumes } })), /CredentialsReferred/);
    }
    const forged = {
      initContainers: [
        {
          name: 'chaperone-proxy',
          image: 'busybox:dev',
          restartPolicy: 'Always',
          volumeMounts: [{ name: 'chaperone-credentials', mountPath: '/loot' }],
        },
      ],
      volumes: [{ name: 'chaperone-credentials', secret: { secretName: `chaperone-${name}` } }],
    };
    const annotations = { 'chaperone.dev/injected-hash': '0123456789abcdef' };
    const labels = { 'chaperone.dev/inject': 'true', 'chaperone.dev/injected': 'true' };
    await assert.rejects(apply(name, makePod('forger', { labels, annotations, spec: forged })), /SidecarAltered/);
    // What the injected pod is, copied, would be let in as its sidecar is the webhook's; with another image it is not.
    const pod = await findPod(name);
    const copy = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'copy', labels: pod.metadata.labels, annotations: pod.metadata.annotations },
      spec: {
        ...pod.spec,
        // No new pod may have these, and another test adds some.
        ephemeralContainers: [],
        initContainers: pod.spec.initContainers.map((container) => ({ ...container, image: 'busybox:dev' })),
      },
    };
    await assert.rejects(apply(name, copy), /SidecarAltered.*|is not the one that Chaperone's webhook adds/);
  });

  test('those who change, debug or enter a running pod', async (t) => {
    const pod = await findPod(name);
    assert.equal(pod.spec.initContainers[0]?.securityContext?.runAsUser, 60_812);
    const path = `pod/${pod.metadata.name}`;
    const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [['label', path, 'chaperone.dev/injected-'], /network policies go by them/],
      [['label', path, 'chaperone.dev/inject=false', '--overwrite'], /stay as they were/],
      [['annotate', path, 'chaperone.dev/injected-hash=x', '--overwrite'], /the operator goes by them/],
      [['set', 'image', path, 'chaperone-proxy=busybox:dev'], /The image of container chaperone-proxy stays/],
      [['exec', path, '--container=chaperone-proxy', '--', 'node', '--version'], /Nobody runs programs in container/],
      [['debug', path, '--image=busybox:dev', '--target=chaperone-proxy', '--', 'sh'], /must not join the processes/],
    ];
    for (const [args, message] of refused) {
      await assert.rejects(kubectl('--namespace', name, ...args), message, args.join(' '));
    }

    const directory = await mkdtemp(join(tmpdir(), 'chaperone-guard-'));
    atEnd(t, () => rm(directory, { recursive: true }));
    const debugWith = async (custom: object) => {
      const file = join(directory, 'custom.json');
      await writeFile(file, JSON.stringify(custom));
      return kubectl('debug', path, '--namespace', name, '--image=busybox:dev', `--custom=${file}`, '--', 'true');
    };
    for (const volume of ['chaperone-credentials', 'chaperone-data']) {
      await assert.rejects(
        debugWith({ volumeMounts: [{ name: volume, mountPath: '/loot' }] }),
        /are for container chaperone-proxy alone/,
      );
    }
    const envFrom = [{ secretRef: { name: `chaperone-${name}` } }];
    await assert.rejects(debugWith({ envFrom }), /CredentialsReferred/);
    await debugWith({ env: [{ name: 'A', value: 'b' }] });
    assert.ok((await call(name, {})).id, 'the pod goes on');
    await kubectl('label', path, 'team=shop', '--namespace', name);
  });

  test('those who ask the webhook without being an API server', async () => {
    const request = {
      uid: 'u',
      operation: 'CREATE',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      namespace: name,
      object: makePod('stranger', { labels: { 'chaperone.dev/inject': 'true' }, spec: { hostNetwork: true } }),
    };
    const review = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    const script = `
      const { request } = require('node:https');
      const url = 'https://chaperone-webhook.${operatorNamespace}.svc' + process.argv[1];
      const asked = request(url, { method: 'POST', rejectUnauthorized: false }, async (answer) => {
        const chunks = await answer.toArray();
        console.log(answer.statusCode, Buffer.concat(chunks).toString());
      });
      asked.end(process.argv[2]);`;
    for (const path of ['/mutate', '/validate', '/']) {
      const answer = await kubectl(
        ...['exec', '-n', name, (await findPod(name)).metadata.name, '-c', 'app', '--'],
        ...['node', '-e', script, path, review],
      );
      assert.equal(answer.trim(), '404 {"message":"There is nothing here"}');
    }
    const events = await kubectl('get', 'events', '-n', name);
    assert.doesNotMatch(events, /InjectionSkipped/);
  });
});

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly initContainers: readonly { readonly name: string; readonly securityContext?: { runAsUser?: number } }[];
  };
}

async function findPod(namespace: string): Promise<Pod> {
  const { items } = await getJson<{ items: Pod[] }>('pods', '--namespace', namespace, '--selector=app=workload');
  const [pod] = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  assert.ok(pod);
  return pod;
}

interface PodOptions {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: object;
}

function makePod(name: string, { labels, annotations = {}, spec }: PodOptions): object {
  const template = podTemplate(['-e', '']);
  const [app] = template.spec.containers;
  const { volumeMounts: _, ...container } = app ?? { volumeMounts: [] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, annotations },
    spec: { restartPolicy: 'Never', containers: [container], ...spec },
  };
}
