import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decideInjection } from '../../../operator/injection/decide.ts';
import { essenceOf } from '../../../operator/injection/essence.ts';
import { refuseAltered } from '../../../operator/injection/final-state.ts';
import type { Container, Pod } from '../../../operator/injection/pod.ts';
import { isProof, makeProof } from '../../../operator/injection/proof.ts';
import type { InjectionSettings } from '../../../operator/injection/settings.ts';
import { applyPatch, gathered, pod, settings } from './pods.ts';

const key = Buffer.alloc(32, 1);
const nowMs = Date.parse('2026-01-01T00:00:00Z');
const belief = { proofKeys: [key], nowMs };

/** The pod as an operator with these settings injects it, and as the API server has it then. */
function inject(asked: Pod, given: InjectionSettings = settings): Pod {
  const decision = decideInjection(gathered(asked), given, ({ container, volumes, hash }) =>
    makeProof([key], { essence: essenceOf(container, volumes), hash, namespace: 'shop' }, nowMs),
  );
  assert(decision.action === 'inject', JSON.stringify(decision));
  return withDefaults(applyPatch(asked, decision.patch));
}

/** What the API server adds to a container that states nothing of it. */
function withDefaults(asked: Pod): Pod {
  return changeSidecar(asked, (sidecar) => ({
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    ...sidecar,
    startupProbe: { successThreshold: 1, ...Reflect.get(sidecar, 'startupProbe') },
    securityContext: { procMount: 'Default', ...sidecar.securityContext },
  }));
}

type Change = (sidecar: Container) => object;

function changeSidecar(asked: Pod, change: Change): Pod {
  const initContainers = (asked.spec.initContainers ?? []).map((container): Container => {
    if (container.name !== 'chaperone-proxy') return container;
    return { ...container, ...change(container) };
  });
  return { ...asked, spec: { ...asked.spec, initContainers } };
}

function changeVolume(name: string, change: object): (asked: Pod) => Pod {
  return (asked) => {
    const volumes =
      asked.spec.volumes?.map((volume) => (volume.name === name ? { ...volume, ...change } : volume)) ?? [];
    return { ...asked, spec: { ...asked.spec, volumes } };
  };
}

const mountsOf = ({ volumeMounts = [] }: Container) => volumeMounts;
const argsOf = (sidecar: Container): string[] => Reflect.get(sidecar, 'args');

function annotate(name: string, value: string): (asked: Pod) => Pod {
  return (asked) => ({
    ...asked,
    metadata: { ...asked.metadata, annotations: { ...asked.metadata.annotations, [name]: value } },
  });
}

/** What the validating webhook answers about a final state, with the settings of its own operator. */
function judge(final: Pod, own: InjectionSettings = settings, namespace = 'shop', at = nowMs) {
  const decision = decideInjection(gathered(final), own);
  if (decision.action !== 'inject') return decision.action === 'refuse' ? decision : undefined;
  assert.equal(decision.addsSidecar, false);
  return refuseAltered(final, decision.sidecar, namespace, { ...belief, nowMs: at });
}

test('an injected pod is admitted as the API server stores it', () => {
  assert.equal(judge(inject(pod())), undefined);
});

describe('a pod is admitted where others add to the sidecar', () => {
  const rows: readonly [title: string, change: (asked: Pod) => Pod][] = [
    [
      'resources, as a LimitRange or an autoscaler does',
      (it) => changeSidecar(it, () => ({ resources: { limits: { cpu: '1' } } })),
    ],
    ['another pull policy, as AlwaysPullImages does', (it) => changeSidecar(it, () => ({ imagePullPolicy: 'Always' }))],
    [
      "a service account's token",
      (it) =>
        changeSidecar(it, (sidecar) => ({
          volumeMounts: [
            { name: 'kube-api-access-x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
            ...mountsOf(sidecar),
          ],
        })),
    ],
    [
      "a cloud provider's identity",
      (it) =>
        changeSidecar(it, (sidecar) => ({
          env: [{ name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::1:role/x' }],
          volumeMounts: [...mountsOf(sidecar), { name: 'aws', mountPath: '/var/run/secrets/eks.amazonaws.com/x' }],
        })),
    ],
    [
      'an SELinux label',
      (it) =>
        changeSidecar(it, (sidecar) => ({
          securityContext: { ...sidecar.securityContext, seLinuxOptions: { level: 's0' } },
        })),
    ],
    [
      'a probe by a mesh',
      (it) => changeSidecar(it, () => ({ livenessProbe: { httpGet: { path: '/app-health', port: 15_020 } } })),
    ],
    ['the size of its volume in another unit', changeVolume('chaperone-data', { emptyDir: { sizeLimit: '5120Mi' } })],
    ['another grace period of the pod', (it) => ({ ...it, spec: { ...it.spec, terminationGracePeriodSeconds: 90 } })],
    [
      'a container before it',
      (it) => ({ ...it, spec: { ...it.spec, initContainers: [{ name: 'mesh' }, ...(it.spec.initContainers ?? [])] } }),
    ],
    ['a name that the API server made up', (it) => ({ ...it, metadata: { ...it.metadata, generateName: 'web-' } })],
  ];
  for (const [title, change] of rows) {
    test(title, () => {
      const asked = title.startsWith('a name') ? pod({ generateName: 'web-' }) : pod();
      assert.equal(judge(change(inject(asked))), undefined);
    });
  }
});

describe('a pod is refused whose sidecar is not ours', () => {
  const rows: readonly [title: string, change: (asked: Pod) => Pod, message: RegExp][] = [
    ['another image', (it) => changeSidecar(it, () => ({ image: 'thief:1' })), /chaperone-proxy": image differs/],
    ['another program', (it) => changeSidecar(it, () => ({ command: ['sh'] })), /command differs/],
    [
      'other arguments',
      (it) => changeSidecar(it, (sidecar) => ({ args: [...argsOf(sidecar), '--upstream', 'http://thief'] })),
      /args differs/,
    ],
    [
      'a variable that Node obeys',
      (it) => changeSidecar(it, () => ({ env: [{ name: 'NODE_OPTIONS', value: '-r /x' }] })),
      /env differs/,
    ],
    [
      'a proxy on its way',
      (it) => changeSidecar(it, () => ({ env: [{ name: 'HTTPS_PROXY', value: 'http://thief' }] })),
      /env differs/,
    ],
    [
      'variables of somewhere',
      (it) => changeSidecar(it, () => ({ envFrom: [{ configMapRef: { name: 'x' } }] })),
      /envFrom differs/,
    ],
    [
      'more rights',
      (it) => changeSidecar(it, (sidecar) => ({ securityContext: { ...sidecar.securityContext, privileged: true } })),
      /securityContext differs/,
    ],
    [
      'another user',
      (it) => changeSidecar(it, (sidecar) => ({ securityContext: { ...sidecar.securityContext, runAsUser: 0 } })),
      /securityContext differs/,
    ],
    [
      'a program run by a probe',
      (it) => changeSidecar(it, () => ({ livenessProbe: { exec: { command: ['sh'] } } })),
      /livenessProbe differs/,
    ],
    [
      'a program run at its start',
      (it) => changeSidecar(it, () => ({ lifecycle: { postStart: { exec: { command: ['sh'] } } } })),
      /lifecycle differs/,
    ],
    ['an open terminal', (it) => changeSidecar(it, () => ({ stdin: true })), /stdin differs/],
    [
      'a volume over its program',
      (it) =>
        changeSidecar(it, (sidecar) => ({ volumeMounts: [...mountsOf(sidecar), { name: 'x', mountPath: '/app' }] })),
      /volumeMounts differs/,
    ],
    [
      'a path that leads out of where others mount',
      (it) =>
        changeSidecar(it, (sidecar) => ({
          volumeMounts: [...mountsOf(sidecar), { name: 'x', mountPath: '/var/run/secrets/../../../app' }],
        })),
      /volumeMounts differs/,
    ],
    ['a field that nobody knows yet', (it) => changeSidecar(it, () => ({ debugger: true })), /debugger differs/],
    [
      "another Secret in its volume's place",
      changeVolume('chaperone-credentials', { secret: { secretName: 'mine', defaultMode: 0o444 } }),
      /volume chaperone-credentials differs/,
    ],
    [
      'the volume of its records on the node',
      changeVolume('chaperone-data', { emptyDir: undefined, hostPath: { path: '/tmp' } }),
      /volume chaperone-data differs/,
    ],
    [
      'another hash',
      annotate('chaperone.dev/injected-hash', '0'.repeat(16)),
      /annotation chaperone\.dev\/injected-hash differs/,
    ],
    [
      'no label that policies could go by',
      (it) => ({ ...it, metadata: { ...it.metadata, labels: { 'chaperone.dev/inject': 'true' } } }),
      /label chaperone\.dev\/injected: "true" is missing/,
    ],
  ];
  for (const [title, change, message] of rows) {
    test(title, () => {
      const refusal = judge(change(inject(pod())));
      assert.equal(refusal?.reason, 'SidecarAltered');
      assert.match(refusal.message, message);
      assert.match(refusal.message, /Remove container "chaperone-proxy".*and create it again/);
    });
  }

  test('a container of that name, with an annotation and a mount like ours', () => {
    const forged = pod({
      annotations: { 'chaperone.dev/injected-hash': '0123456789abcdef' },
      labels: { 'chaperone.dev/inject': 'true', 'chaperone.dev/injected': 'true' },
      spec: {
        initContainers: [
          {
            name: 'chaperone-proxy',
            image: 'thief:1',
            restartPolicy: 'Always',
            volumeMounts: [{ name: 'chaperone-credentials', mountPath: '/loot' }],
          },
        ],
        volumes: [{ name: 'chaperone-credentials', secret: { secretName: 'chaperone-acme' } }],
      },
    });
    assert.equal(judge(forged)?.reason, 'SidecarAltered');
  });
});

describe('a sidecar of an operator with other settings', () => {
  const other: InjectionSettings = {
    ...settings,
    image: 'chaperone:next',
    upstreamUrl: 'https://models.example.com/v1',
  };

  test('is accepted by its proof', () => assert.equal(judge(inject(pod(), other)), undefined));

  const rows: readonly [title: string, final: Pod, namespace?: string, at?: number][] = [
    ['after a while', inject(pod(), other), 'shop', nowMs + 600_000],
    ['in another namespace', inject(pod(), other), 'elsewhere'],
    ['with another image', changeSidecar(inject(pod(), other), () => ({ image: 'thief:1' }))],
    ['with another hash', annotate('chaperone.dev/injected-hash', '0'.repeat(16))(inject(pod(), other))],
    [
      'with a proof that says it holds for longer',
      annotate('chaperone.dev/injected-proof', `9999999999.${'A'.repeat(43)}`)(inject(pod(), other)),
    ],
    ['without one', annotate('chaperone.dev/injected-proof', '')(inject(pod(), other))],
  ];
  for (const [title, final, namespace, at] of rows) {
    test(`is refused ${title}`, () => assert.equal(judge(final, settings, namespace, at)?.reason, 'SidecarAltered'));
  }

  test('is accepted by operators that know the former key, and by no others', () => {
    const proven = { essence: essenceOf({ name: 'chaperone-proxy' }, []), hash: 'h', namespace: 'shop' };
    const proof = makeProof([key], proven, nowMs);
    assert.equal(isProof([key, Buffer.alloc(32, 2)], proof, proven, nowMs), true);
    assert.equal(isProof([Buffer.alloc(32, 2)], proof, proven, nowMs), false);
  });
});
