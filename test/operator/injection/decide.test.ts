import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Organization } from '../../../crds/resources.generated.ts';
import { decideInjection, type GatheredPod } from '../../../operator/injection/decide.ts';
import type { Container, Pod } from '../../../operator/injection/pod.ts';
import type { InjectionSettings } from '../../../operator/injection/settings.ts';
import { applyPatch, binding, gathered, organization, type PodChange, pod, settings } from './pods.ts';

const decide = (asked: GatheredPod) => decideInjection(asked, settings);

function inject(asked: GatheredPod): Pod {
  const decision = decide(asked);
  assert(decision.action === 'inject', JSON.stringify(decision));
  return applyPatch(asked.pod, decision.patch);
}

const proxied = { name: 'OPENAI_BASE_URL', value: 'http://127.0.0.1:8000/v1' };
const key = { name: 'OPENAI_API_KEY', valueFrom: { secretKeyRef: { name: 'shared-synthetic-key', key: 'api-key' } } };

test('a pod that asks for the sidecar gets it, and its containers get its address', () => {
  const init = { name: 'fetch-prompts' };
  const { metadata, spec } = inject(gathered(pod({ spec: { initContainers: [init] } })));
  const [sidecar, ...others] = spec.initContainers ?? [];
  assert.equal(sidecar?.name, 'chaperone-proxy');
  assert.equal(sidecar.restartPolicy, 'Always');
  assert.deepEqual(others, [{ ...init, env: [proxied, key] }]);
  assert.deepEqual(spec.containers, [{ name: 'app', env: [proxied, key] }]);
  assert.deepEqual(spec.volumes, [
    { name: 'chaperone-credentials', secret: { secretName: 'chaperone-acme', defaultMode: 0o444 } },
    { name: 'chaperone-data', emptyDir: { sizeLimit: '5Gi' } },
  ]);
  assert.match(metadata.annotations?.['chaperone.dev/injected-hash'] ?? '', /^[0-9a-f]{16}$/);
  assert.deepEqual(metadata.labels, { 'chaperone.dev/inject': 'true', 'chaperone.dev/injected': 'true' });
});

test('the sidecar has no right that it does not need', () => {
  const { spec } = inject(gathered(pod()));
  assert.partialDeepStrictEqual(spec.initContainers?.[0], {
    image: 'chaperone:test',
    args: [
      ...['proxy', '--credentials', '/etc/chaperone/credentials', '--data', '/var/lib/chaperone'],
      ...['--host', '127.0.0.1', '--port', '8000', '--metrics-host', '0.0.0.0', '--metrics-port', '8001'],
      ...['--pod-namespace', 'shop', '--workload', 'web', '--grace', '25', '--flush', '3'],
      ...['--data-limit', '5368709120', '--log-level', 'info'],
    ],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 60_812,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    startupProbe: { httpGet: { path: '/readyz', port: 'metrics' } },
  });
});

describe('the volume with the records', () => {
  const evictable = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';
  const rows: readonly [title: string, annotations: Record<string, string> | undefined, expected: string][] = [
    ['does not keep the autoscaler from removing a node', undefined, 'chaperone-data'],
    ['nor do volumes that the pod has named itself', { [evictable]: 'cache, tmp' }, 'cache,tmp,chaperone-data'],
    ['is named once', { [evictable]: 'chaperone-data,tmp' }, 'chaperone-data,tmp'],
    ['stands in no empty list', { [evictable]: '' }, 'chaperone-data'],
  ];
  for (const [title, annotations, expected] of rows) {
    test(title, () => {
      const { metadata } = inject(gathered(pod(annotations ? { annotations } : {})));
      assert.equal(metadata.annotations?.[evictable], expected);
    });
  }

  test('has the size that the operator is set to, and the spool stays below it', () => {
    const decision = decideInjection(gathered(pod()), { ...settings, dataSizeLimit: '500Mi' });
    assert(decision.action === 'inject');
    const { spec } = applyPatch(pod(), decision.patch);
    assert.partialDeepStrictEqual(spec.volumes?.[1], { name: 'chaperone-data', emptyDir: { sizeLimit: '500Mi' } });
    const args: unknown = Reflect.get(spec.initContainers?.[0] ?? {}, 'args');
    assert(Array.isArray(args));
    assert.equal(args[args.indexOf('--data-limit') + 1], String(500 * 1024 ** 2));
  });

  test('is added to the containers’ limits, but makes no limit where there is none', () => {
    const limits = { 'ephemeral-storage': '1Gi' };
    const limited = inject(gathered(pod({ spec: { containers: [{ name: 'app', resources: { limits } }] } })));
    const sidecar = limited.spec.initContainers?.[0];
    assert.deepEqual(sidecar?.resources?.limits, { 'ephemeral-storage': '5Gi', memory: '256Mi' });
    const free = inject(gathered(pod()));
    assert.deepEqual(free.spec.initContainers?.[0]?.resources?.limits, { memory: '256Mi' });
    const hashOf = ({ metadata }: Pod) => metadata.annotations?.['chaperone.dev/injected-hash'];
    assert.equal(hashOf(limited), hashOf(free), 'a pod of the same settings would count as outdated');
  });
});

test('a sidecar mounts the volume with token files that its pod names, and no other does so', () => {
  const mountsOf = (annotations: Record<string, string>) => {
    const asked = pod({ annotations });
    const decision = decideInjection(gathered(asked), settings);
    assert(decision.action === 'inject', JSON.stringify(decision));
    const { initContainers = [], containers } = applyPatch(asked, decision.patch).spec;
    assert.ok(containers.every(({ volumeMounts = [] }) => volumeMounts.every(({ name }) => name !== 'entra')));
    return initContainers[0]?.volumeMounts?.slice(2);
  };
  assert.deepEqual(mountsOf({ 'chaperone.dev/token-volume': 'entra' }), [
    { name: 'entra', mountPath: '/var/run/secrets/chaperone-tokens', readOnly: true },
  ]);
  assert.deepEqual(mountsOf({}), []);
});

describe('a sidecar in a network with a proxy', () => {
  const proxy = 'http://proxy.example.com:3128';
  const behind: InjectionSettings = { ...settings, egressProxy: proxy, noProxy: '.svc' };
  const sidecarOf = (annotations: Record<string, string>, given = behind) => {
    const asked = pod({ annotations });
    const decision = decideInjection(gathered(asked), given);
    assert(decision.action === 'inject', JSON.stringify(decision));
    return applyPatch(asked, decision.patch).spec.initContainers?.[0];
  };
  const variables = (url: string, noProxy: string) => [
    { name: 'HTTP_PROXY', value: url },
    { name: 'HTTPS_PROXY', value: url },
    { name: 'NO_PROXY', value: noProxy },
  ];
  const sidecars: readonly [title: string, annotations: Record<string, string>, expected: unknown][] = [
    ['the sidecar learns of it', {}, variables(proxy, '.svc')],
    [
      'the pod may name another',
      { 'chaperone.dev/egress-proxy': 'https://other:443', 'chaperone.dev/no-proxy': '10.0.0.0/8,b.test' },
      variables('https://other:443', '10.0.0.0/8,b.test'),
    ],
    ['the pod may want none', { 'chaperone.dev/egress-proxy': 'none' }, undefined],
    [
      'the pod may want another client besides',
      { 'chaperone.dev/http-client': 'undici' },
      [...variables(proxy, '.svc'), { name: 'CHAPERONE_HTTP_CLIENT', value: 'undici' }],
    ],
  ];
  for (const [title, annotations, expected] of sidecars) {
    test(title, () => assert.deepEqual(sidecarOf(annotations)?.env, expected));
  }

  test('the sidecar learns of a collector of traces, in the standard variables', () => {
    const given: InjectionSettings = { ...settings, traces: { endpoint: 'http://collector:4318', ratio: 0.01 } };
    assert.deepEqual(sidecarOf({}, given)?.env, [
      { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' },
      { name: 'OTEL_TRACES_SAMPLER', value: 'parentbased_traceidratio' },
      { name: 'OTEL_TRACES_SAMPLER_ARG', value: '0.01' },
    ]);
  });

  test('and has none of these variables elsewhere', () => assert.equal(sidecarOf({}, settings)?.env, undefined));

  test('the client of all sidecars may be another one, and a pod may want the usual one', () => {
    const given: InjectionSettings = { ...settings, httpClient: 'undici' };
    assert.deepEqual(sidecarOf({}, given)?.env, [{ name: 'CHAPERONE_HTTP_CLIENT', value: 'undici' }]);
    assert.equal(sidecarOf({ 'chaperone.dev/http-client': 'own' }, given)?.env, undefined);
  });

  const own = '127.0.0.1,localhost';
  const https = { name: 'HTTPS_PROXY', value: proxy };
  const both = [
    { name: 'NO_PROXY', value: own },
    { name: 'no_proxy', value: own },
  ];
  const elsewhere = { secretKeyRef: { name: 'net', key: 'k' } };
  const applications: readonly [title: string, env: Container['env'], expected: Container['env']][] = [
    ['an application that uses it reaches the sidecar all the same', [https], [https, proxied, key, ...both]],
    [
      'in lower case too',
      [{ ...https, name: 'http_proxy' }],
      [{ ...https, name: 'http_proxy' }, proxied, key, ...both],
    ],
    [
      'what it reaches directly already stays',
      [{ name: 'NO_PROXY', value: '.corp' }, https],
      [{ name: 'NO_PROXY', value: `.corp,${own}` }, https, proxied, key],
    ],
    [
      'each list has what it lacks',
      [https, { name: 'NO_PROXY', value: 'localhost' }, { name: 'no_proxy', value: '' }],
      [https, { name: 'NO_PROXY', value: 'localhost,127.0.0.1' }, { name: 'no_proxy', value: own }, proxied, key],
    ],
    [
      'all is left as it is where all is direct',
      [https, { name: 'NO_PROXY', value: '*' }],
      [https, { name: 'NO_PROXY', value: '*' }, proxied, key],
    ],
    [
      'a list from elsewhere stays',
      [https, { name: 'NO_PROXY', valueFrom: elsewhere }],
      [https, { name: 'NO_PROXY', valueFrom: elsewhere }, proxied, key],
    ],
    [
      'who uses none is told of none',
      [{ name: 'NO_PROXY', value: 'a' }],
      [{ name: 'NO_PROXY', value: 'a' }, proxied, key],
    ],
  ];
  for (const [title, env, expected] of applications) {
    test(title, () => {
      const asked = pod({ spec: { containers: [{ name: 'app', ...(env && { env }) }] } });
      const injected = inject(gathered(asked));
      assert.deepEqual(injected.spec.containers[0]?.env, expected);
      assert.deepEqual(inject(gathered(injected)), injected, 'a second pass changes more');
    });
  }

  test('the creator of a pod whose NO_PROXY comes from elsewhere is warned', () => {
    const env = [https, { name: 'NO_PROXY', valueFrom: elsewhere }];
    const decision = decide(gathered(pod({ spec: { containers: [{ name: 'app', env }] } })));
    assert(decision.action === 'inject');
    assert.match(
      decision.warnings.join(),
      /"app" takes NO_PROXY from elsewhere; make sure that it names 127\.0\.0\.1 and localhost/,
    );
  });
});

describe('the image is pulled', () => {
  const pulling: InjectionSettings = { ...settings, imagePullPolicy: 'Always', imagePullSecrets: ['images', 'mirror'] };
  const injectPulling = (change: PodChange) => {
    const decision = decideInjection(gathered(pod(change)), pulling);
    assert(decision.action === 'inject', JSON.stringify(decision));
    return applyPatch(pod(change), decision.patch).spec;
  };

  test('as the operator is set to, with Secrets of the namespace', () => {
    const spec = injectPulling({});
    assert.partialDeepStrictEqual(spec.initContainers?.[0], { imagePullPolicy: 'Always' });
    assert.deepEqual(spec.imagePullSecrets, [{ name: 'images' }, { name: 'mirror' }]);
  });

  test('also with the Secrets of the pod, each once', () => {
    const own = [{ name: 'mirror' }, { name: 'theirs' }];
    const { imagePullSecrets } = injectPulling({ spec: { imagePullSecrets: own } });
    assert.deepEqual(imagePullSecrets, [...own, { name: 'images' }]);
  });

  test('by Kubernetes’ defaults, where nothing is set', () => {
    const { spec } = inject(gathered(pod()));
    assert.equal(Reflect.get(spec.initContainers?.[0] ?? {}, 'imagePullPolicy'), undefined);
    assert.equal(spec.imagePullSecrets, undefined);
  });

  test('so that a pod without them is outdated', () => {
    const hashOf = (asked: InjectionSettings) => {
      const decision = decideInjection(gathered(pod()), asked);
      assert(decision.action === 'inject');
      return applyPatch(pod(), decision.patch).metadata.annotations?.['chaperone.dev/injected-hash'];
    };
    assert.notEqual(hashOf(settings), hashOf({ ...settings, imagePullSecrets: ['images'] }));
    assert.notEqual(hashOf(settings), hashOf({ ...settings, imagePullPolicy: 'Always' }));
  });
});

describe('a container’s own settings stay', () => {
  const theirs = { name: 'OPENAI_BASE_URL', value: 'https://api.openai.com/v1' };
  const ownKey = { name: 'OPENAI_API_KEY', value: 'chp_mine' };
  const variable = { name: 'A', value: 'b' };
  const rows: readonly [
    title: string,
    container: Partial<Container>,
    annotations: Record<string, string>,
    expected: unknown,
  ][] = [
    ['other variables', { env: [variable] }, {}, [variable, proxied, key]],
    ['its key', { env: [ownKey] }, {}, [ownKey, proxied]],
    ['its address, and no key is told to whoever is there', { env: [theirs] }, {}, [theirs]],
    ['an address that is ours', { env: [{ ...proxied }] }, {}, [proxied, key]],
    ['everything, by the pod', {}, { 'chaperone.dev/set-env': 'false' }, undefined],
    ['everything, of one container', {}, { 'chaperone.dev/skip-containers': 'other, app' }, undefined],
  ];
  for (const [title, container, annotations, expected] of rows) {
    test(title, () => {
      const asked = pod({ annotations, spec: { containers: [{ name: 'app', ...container }] } });
      assert.deepEqual(inject(gathered(asked)).spec.containers[0]?.env, expected);
    });
  }

  test('and the creator of the pod is warned that its calls go elsewhere', () => {
    const decision = decide(gathered(pod({ spec: { containers: [{ name: 'app', env: [theirs] }] } })));
    assert(decision.action === 'inject');
    assert.match(decision.warnings.join(), /container "app" sets OPENAI_BASE_URL itself/);
  });
});

describe('annotations set the sidecar up', () => {
  const rows: readonly [
    title: string,
    annotations: Record<string, string>,
    namespace: Record<string, string>,
    expected: object,
  ][] = [
    [
      'resources',
      { 'chaperone.dev/cpu-limit': '500m', 'chaperone.dev/memory-request': '1Gi' },
      {},
      { resources: { requests: { cpu: '10m', memory: '1Gi' }, limits: { cpu: '500m', memory: '256Mi' } } },
    ],
    ['the namespace for all its pods', {}, { 'chaperone.dev/cpu-limit': '1' }, { resources: { limits: { cpu: '1' } } }],
    [
      'the pod over its namespace',
      { 'chaperone.dev/cpu-limit': '2' },
      { 'chaperone.dev/cpu-limit': '1' },
      { resources: { limits: { cpu: '2' } } },
    ],
    ['ports', { 'chaperone.dev/metrics-port': '9001' }, {}, { ports: [{ name: 'metrics', containerPort: 9001 }] }],
  ];
  for (const [title, annotations, ofNamespace, expected] of rows) {
    test(title, () => {
      const namespace = { name: 'shop', labels: { team: 'acme' }, annotations: ofNamespace };
      const { spec } = inject(gathered(pod({ annotations }), { namespace }));
      assert.partialDeepStrictEqual(spec.initContainers?.[0], expected);
    });
  }

  test('with another port, which the application gets as its address', () => {
    const { spec } = inject(gathered(pod({ annotations: { 'chaperone.dev/port': '9000' } })));
    assert.equal(spec.containers[0]?.env?.[0]?.value, 'http://127.0.0.1:9000/v1');
  });

  test('with a short grace period, which leaves the sidecar time to copy its records', () => {
    const { spec } = inject(gathered(pod({ spec: { terminationGracePeriodSeconds: 12 } })));
    const args: unknown = Reflect.get(spec.initContainers?.[0] ?? {}, 'args');
    assert(Array.isArray(args));
    assert.equal(args[args.indexOf('--grace') + 1], '7');
  });
});

describe('the binding of a pod’s key', () => {
  const rows: readonly [
    title: string,
    bindings: GatheredPod['bindings'],
    annotation: string | undefined,
    expected: string | undefined,
  ][] = [
    ['the first for everyone', [binding('b'), binding('a')], undefined, 'a-synthetic-key'],
    ['not one for a user', [binding('a', { user: 'alice' }), binding('b')], undefined, 'b-synthetic-key'],
    ['one for a user, asked for', [binding('a', { user: 'alice' }), binding('b')], 'a', 'a-synthetic-key'],
    ['not one that is not ready', [binding('a', { isReady: false }), binding('b')], undefined, 'b-synthetic-key'],
    ['not one that is not active', [binding('a', { active: false }), binding('b')], undefined, 'b-synthetic-key'],
    ["not another organization's", [binding('a', { organization: 'umbrella' })], undefined, undefined],
    ['none, where there is none', [], undefined, undefined],
  ];
  for (const [title, bindings, annotation, expected] of rows) {
    test(title, () => {
      const annotations = annotation === undefined ? {} : { 'chaperone.dev/binding': annotation };
      const asked = gathered(pod({ annotations }), { bindings });
      const variable = inject(asked).spec.containers[0]?.env?.find(({ name }) => name === 'OPENAI_API_KEY');
      assert.deepEqual(
        variable?.valueFrom,
        expected === undefined ? undefined : { secretKeyRef: { name: expected, key: 'api-key' } },
      );
      const decision = decide(asked);
      assert(decision.action === 'inject');
      assert.equal(decision.warnings.length, expected === undefined ? 1 : 0);
    });
  }
});

describe('a pod is skipped', () => {
  const offering = { name: 'shop', labels: { team: 'acme', 'chaperone.dev/inject': 'true' } };
  const rows: readonly [reason: string, change: PodChange, gathered?: Partial<GatheredPod>][] = [
    ['NotRequested', { labels: {} }],
    ['NotRequested', { labels: { 'chaperone.dev/inject': 'false' } }],
    ['NotRequested', { labels: { 'chaperone.dev/inject': 'yes' } }],
    ['OptedOut', { labels: { 'chaperone.dev/inject': 'false' } }, { namespace: offering }],
    ['ProtectedNamespace', {}, { namespace: { name: 'kube-system' } }],
    ['ProtectedNamespace', {}, { namespace: { name: 'kube-node-lease' } }],
    ['ProtectedNamespace', {}, { namespace: { name: 'chaperone-system' } }],
    ['HostNetwork', { spec: { hostNetwork: true } }],
    ['StaticPod', { annotations: { 'kubernetes.io/config.mirror': 'x' } }],
    ['WindowsPod', { spec: { os: { name: 'windows' } } }],
    ['WindowsPod', { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } }],
  ];
  for (const [reason, change, rest] of rows) {
    test(`${reason}: ${JSON.stringify({ ...change, ...rest })}`, () => {
      const decision = decide(gathered(pod(change), rest));
      assert(decision.action === 'skip');
      assert.equal(decision.reason, reason);
    });
  }

  test('but not where the namespace asks for all its pods', () => {
    assert.equal(decide(gathered(pod({ labels: {} }), { namespace: offering })).action, 'inject');
  });
});

/** As a second Organization that selects the same namespaces; of this version, so that it has kept none. */
function younger({ metadata, ...rest }: Organization, keptNamespaces: string[] = []): Organization {
  const status = { ...rest.status, keptNamespaces };
  return { ...rest, metadata: { ...metadata, uid: 'younger', creationTimestamp: '2026-02-01T00:00:00Z' }, status };
}

test('of several Organizations that select its namespace, a pod gets the oldest, or the named one that served it before', () => {
  const chosen = (annotations: Record<string, string> = {}) => {
    const decision = decide(
      gathered(pod({ annotations }), {
        namespace: { name: 'shop', labels: { team: 'everyone' } },
        organizations: [younger(organization('umbrella'), ['shop']), organization('acme')],
      }),
    );
    assert(decision.action === 'inject');
    return decision.organization;
  };
  assert.equal(chosen(), 'acme');
  assert.equal(chosen({ 'chaperone.dev/organization': 'umbrella' }), 'umbrella');
});

test('a pod whose application gets no key has the reason, unless it has a key of its own', () => {
  const problem = (spec: Partial<Pod['spec']>, bindings: GatheredPod['bindings'] = []) => {
    const decision = decide(gathered(pod({ spec }), { bindings }));
    assert(decision.action === 'inject');
    return decision.keyProblem;
  };
  assert.match(problem({}) ?? '', /no ready ApiKeyBinding of Organization "acme"/);
  assert.match(problem({}, [binding('shared', { isReady: false })]) ?? '', /no ready ApiKeyBinding/);
  assert.equal(problem({}, [binding('shared')]), undefined);
  const own = { name: 'app', env: [{ name: 'OPENAI_API_KEY', value: 'chp_1' }] };
  assert.equal(problem({ containers: [own] }), undefined);
  assert.equal(problem({ containers: [{ name: 'app', envFrom: [{ secretRef: { name: 'keys' } }] }] }), undefined);
  assert.match(problem({ containers: [own, { name: 'worker' }] }) ?? '', /no ready ApiKeyBinding/);
});

describe('a pod is refused', () => {
  const rows: readonly [reason: string, message: RegExp, change: PodChange, gathered?: Partial<GatheredPod>][] = [
    ['NoOrganization', /belongs to no Organization/, {}, { namespace: { name: 'shop' } }],
    [
      'NamespaceNotMember',
      /"umbrella", to which namespace "shop" does not belong: Organization "acme" also selects it, and is older/,
      { annotations: { 'chaperone.dev/organization': 'umbrella' } },
      {
        namespace: { name: 'shop', labels: { team: 'everyone' } },
        organizations: [younger(organization('umbrella')), organization('acme')],
      },
    ],
    [
      'OrganizationNotFound',
      /"nobody", which does not exist/,
      { annotations: { 'chaperone.dev/organization': 'nobody' } },
    ],
    [
      'NamespaceNotMember',
      /"umbrella", to which namespace "shop" does not belong/,
      { annotations: { 'chaperone.dev/organization': 'umbrella' } },
      { organizations: [organization('umbrella'), organization('acme')] },
    ],
    ['OrganizationNotReady', /try again/, {}, { organizations: [organization('acme', { memberNamespaces: [] })] }],
    ['BindingNotFound', /"gone"/, { annotations: { 'chaperone.dev/binding': 'gone' } }],
    [
      'BindingNotReady',
      /Secret "openai" is not there/,
      { annotations: { 'chaperone.dev/binding': 'shared' } },
      { bindings: [binding('shared', { isReady: false })] },
    ],
    ['NameTaken', /container of its own/, { spec: { containers: [{ name: 'chaperone-proxy' }] } }],
    [
      'NameTaken',
      /container of its own/,
      { spec: { initContainers: [{ name: 'chaperone-proxy', restartPolicy: 'Always' }] } },
    ],
    ['NameTaken', /volume of its own/, { spec: { volumes: [{ name: 'chaperone-data' }] } }],
    [
      'PortTaken',
      /"app" uses port 8000.*chaperone\.dev\/port/,
      { spec: { containers: [{ name: 'app', ports: [{ containerPort: 8000 }] }] } },
    ],
    [
      'PortTaken',
      /chaperone\.dev\/metrics-port/,
      { spec: { containers: [{ name: 'app', ports: [{ containerPort: 8001 }] }] } },
    ],
    ['ProcessesShared', /spec\.shareProcessNamespace.*remove it/, { spec: { shareProcessNamespace: true } }],
    ['ProcessesShared', /spec\.hostPID/, { spec: { hostPID: true } }],
    [
      'UserTaken',
      /"app" runs as user 60812/,
      { spec: { containers: [{ name: 'app', securityContext: { runAsUser: 60_812 } }] } },
    ],
    ['UserTaken', /"app" runs as user 60812/, { spec: { securityContext: { runAsUser: 60_812 } } }],
    [
      'CredentialsReferred',
      /Volume "v" refers to Secret "chaperone-acme".*synthetic key/,
      { spec: { volumes: [{ name: 'v', secret: { secretName: 'chaperone-acme' } }] } },
    ],
    [
      'CredentialsReferred',
      /Volume "v" refers/,
      { spec: { volumes: [{ name: 'v', projected: { sources: [{}, { secret: { name: 'chaperone-acme' } }] } }] } },
    ],
    [
      'CredentialsReferred',
      /Volume "v" refers/,
      { spec: { volumes: [{ name: 'v', csi: { nodePublishSecretRef: { name: 'chaperone-acme' } } }] } },
    ],
    [
      'CredentialsReferred',
      /environment of container "app" refers/,
      {
        spec: {
          containers: [
            { name: 'app', env: [{ name: 'U', valueFrom: { secretKeyRef: { name: 'chaperone-acme', key: 'k' } } }] },
          ],
        },
      },
    ],
    [
      'CredentialsReferred',
      /environment of container "early" refers to Secret "chaperone-umbrella"/,
      { spec: { initContainers: [{ name: 'early', envFrom: [{ secretRef: { name: 'chaperone-umbrella' } }] }] } },
      { organizations: [organization('acme'), organization('umbrella')] },
    ],
    [
      'VolumeTaken',
      /"app" mounts volume "chaperone-data"/,
      { spec: { containers: [{ name: 'app', volumeMounts: [{ name: 'chaperone-data' }] }] } },
    ],
    ['InvalidAnnotation', /chaperone\.dev\/port is "80"/, { annotations: { 'chaperone.dev/port': '80' } }],
    [
      'InvalidAnnotation',
      /egress-proxy is "proxy:3128"; it must be a URL/,
      { annotations: { 'chaperone.dev/egress-proxy': 'proxy:3128' } },
    ],
    [
      'InvalidAnnotation',
      /http-client is "fetch"; it must be one of own, undici/,
      { annotations: { 'chaperone.dev/http-client': 'fetch' } },
    ],
    [
      'InvalidAnnotation',
      /token-volume is "chaperone-credentials"; it must be the name of one of the pod's own volumes/,
      { annotations: { 'chaperone.dev/token-volume': 'chaperone-credentials' } },
    ],
    ['InvalidAnnotation', /both 8001/, { annotations: { 'chaperone.dev/port': '8001' } }],
    ['InvalidAnnotation', /cpu-limit is "a lot"/, { annotations: { 'chaperone.dev/cpu-limit': 'a lot' } }],
    ['InvalidAnnotation', /trace, debug, info, warn, error/, { annotations: { 'chaperone.dev/log-level': 'loud' } }],
  ];
  for (const [reason, message, change, rest] of rows) {
    test(`${reason}: ${message.source}`, () => {
      const decision = decide(gathered(pod(change), rest));
      assert(decision.action === 'refuse', JSON.stringify(decision));
      assert.equal(decision.reason, reason);
      assert.match(decision.message, message);
    });
  }

  test('but not for a Secret whose name only resembles ours, nor for another user', () => {
    const secret = { secretName: 'chaperone-notes' };
    const spec = { volumes: [{ name: 'notes', secret }], securityContext: { runAsUser: 65_532 } };
    assert.equal(decide(gathered(pod({ spec }))).action, 'inject');
  });

  test('but not for a UDP port, nor with another port by annotation', () => {
    const udp = { name: 'app', ports: [{ containerPort: 8000, protocol: 'UDP' }] };
    assert.equal(decide(gathered(pod({ spec: { containers: [udp] } }))).action, 'inject');
    const tcp = { name: 'app', ports: [{ containerPort: 8000 }] };
    const annotations = { 'chaperone.dev/port': '9000' };
    assert.equal(decide(gathered(pod({ annotations, spec: { containers: [tcp] } }))).action, 'inject');
  });

  test('one of several organizations may be named on the namespace', () => {
    const annotations = { 'chaperone.dev/organization': 'umbrella' };
    const namespace = { name: 'shop', labels: { team: 'everyone' }, annotations };
    const decision = decide(
      gathered(pod(), { namespace, organizations: [organization('acme'), organization('umbrella')] }),
    );
    assert(decision.action === 'inject');
    assert.equal(decision.organization, 'umbrella');
  });
});

test('a pod with a sidecar of other settings is left as it is', () => {
  const injected = inject(gathered(pod()));
  const decision = decideInjection(gathered(injected), { ...settings, image: 'chaperone:next' });
  assert(decision.action === 'inject');
  assert.deepEqual(decision.patch, []);
  assert.equal(decision.addsSidecar, false);
});

describe('for any pod', () => {
  const word = fc.constantFrom('a', 'app', 'web', 'x-1');
  const variable = fc.record(
    { name: fc.constantFrom('OPENAI_BASE_URL', 'OPENAI_API_KEY', 'PATH', 'HOME'), value: fc.string() },
    { requiredKeys: ['name'] },
  );
  const containers = (prefix: string, minLength: number) =>
    fc
      .array(
        fc.record(
          {
            image: fc.string(),
            env: fc.array(variable, { maxLength: 3 }),
            volumeMounts: fc.array(fc.record({ name: word, mountPath: fc.string() }), { maxLength: 2 }),
            ports: fc.array(fc.record({ containerPort: fc.integer({ min: 1, max: 7000 }) }), { maxLength: 2 }),
          },
          { requiredKeys: [] },
        ),
        { minLength, maxLength: 3 },
      )
      .map((list) => list.map((container, index) => ({ ...container, name: `${prefix}-${index}` })));
  const texts = fc.dictionary(fc.constantFrom('app', 'example.com/a~b', 'team'), fc.string(), { maxKeys: 2 });
  const anyPod = fc
    .record({
      metadata: fc.record({ annotations: texts, name: word }, { requiredKeys: [] }).map((metadata) => ({
        ...metadata,
        labels: { 'chaperone.dev/inject': 'true' },
      })),
      spec: containers('app', 1).chain((list) =>
        fc.record(
          {
            containers: fc.constant(list),
            initContainers: containers('init', 0),
            volumes: fc.array(fc.record({ name: word }), { maxLength: 2 }),
          },
          { requiredKeys: ['containers'] },
        ),
      ),
    })
    // As it comes over the wire.
    .map((asked): Pod => JSON.parse(JSON.stringify(asked)));

  test('a second pass changes nothing', () => {
    fc.assert(
      fc.property(anyPod, (asked) => {
        const decision = decide(gathered(inject(gathered(asked))));
        assert(decision.action === 'inject');
        assert.deepEqual(decision.patch, []);
        assert.equal(decision.addsSidecar, false);
      }),
    );
  });

  test('nothing is removed, and only the sidecar mounts its volumes', () => {
    fc.assert(
      fc.property(anyPod, (asked) => {
        const { metadata, spec } = inject(gathered(asked));
        const [sidecar, ...init] = spec.initContainers ?? [];
        assert.equal(sidecar?.name, 'chaperone-proxy');
        const before = [...(asked.spec.initContainers ?? []), ...asked.spec.containers];
        const after = [...init, ...spec.containers];
        assert.deepEqual(after.map(withoutEnvironment), before.map(withoutEnvironment));
        for (const [index, container] of after.entries()) {
          const stated = before[index]?.env ?? [];
          assert.deepEqual(container.env?.slice(0, stated.length) ?? [], stated);
          const added = container.env?.slice(stated.length) ?? [];
          for (const { name } of added) assert(!stated.some((variable) => variable.name === name));
        }
        assert.deepEqual(spec.volumes?.slice(0, -2), asked.spec.volumes ?? []);
        assert.partialDeepStrictEqual(metadata.annotations, asked.metadata.annotations ?? {});
      }),
    );
  });
});

function withoutEnvironment({ env: _, ...rest }: Container) {
  return rest;
}
