import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { type GatewaySettings, makeGateway } from '../../../operator/gateways/desired.ts';
import { gatewayName } from '../../../operator/gateways/names.ts';
import { defaultSidecar } from '../../../operator/injection/settings.ts';
import { makeOrganization } from '../memory-cluster.ts';

type Gateway = NonNullable<OrganizationSpec['gateway']>;

/** With the schema's defaults. */
const withDefaults = (gateway: Partial<Gateway>): Gateway => ({
  ...{ replicas: 2, targetCpuPercent: 70, service: { type: 'ClusterIP' } },
  ...gateway,
});

const settings: GatewaySettings = { ...defaultSidecar, namespace: 'governance', image: 'chaperone:now' };
const organization = makeOrganization('acme');

/** The objects by kind. */
function make(gateway: Partial<Gateway>, replicas?: number) {
  const objects = makeGateway(organization, withDefaults(gateway), settings, replicas);
  // biome-ignore lint/suspicious/noExplicitAny: an API object of any kind.
  return Object.fromEntries(objects.map((object) => [object.kind, object])) as Record<string, any>;
}

suite('the objects of a gateway', () => {
  test('are made for the Organization, in the operator’s namespace', () => {
    for (const { metadata } of makeGateway(organization, withDefaults({ maxReplicas: 5 }), settings, undefined)) {
      const { labels, ownerReferences } = metadata as unknown as {
        labels: Record<string, string>;
        ownerReferences: { uid: string }[];
      };
      assert.equal(metadata.namespace, 'governance');
      assert.equal(metadata.name, 'chaperone-gateway-acme');
      assert.equal(labels['chaperone.dev/gateway-of'], 'acme');
      assert.equal(labels['chaperone.dev/owner-uid'], organization.metadata.uid);
      assert.deepEqual(
        ownerReferences.map(({ uid }) => uid),
        [organization.metadata.uid],
      );
    }
  });

  for (const [name, gateway, replicas, expected] of [
    ['two pods where nothing is stated', {}, undefined, { replicas: 2, kinds: 'DSP' }],
    ['one pod, which a drained node may end', { replicas: 1 }, undefined, { replicas: 1, kinds: 'DS' }],
    ['an autoscaler from its least number on', { maxReplicas: 5 }, undefined, { replicas: 2, kinds: 'DSHP' }],
    ['what the autoscaler decided', { maxReplicas: 5 }, 4, { replicas: 4, kinds: 'DSHP' }],
    ['no more than the most', { maxReplicas: 5 }, 9, { replicas: 5, kinds: 'DSHP' }],
    ['no fewer than the least', { replicas: 3, maxReplicas: 5 }, 1, { replicas: 3, kinds: 'DSHP' }],
    ['no autoscaler without room', { replicas: 3, maxReplicas: 3 }, 1, { replicas: 3, kinds: 'DSP' }],
    ['a stated number, whatever runs', { replicas: 3 }, 9, { replicas: 3, kinds: 'DSP' }],
  ] as const) {
    test(`have ${name}`, () => {
      const made = make(gateway, replicas);
      assert.equal(made.Deployment.spec.replicas, expected.replicas);
      assert.equal(
        Object.keys(made)
          .map((kind) => kind[0])
          .join(''),
        expected.kinds,
      );
    });
  }

  test('send requests to providers as sidecars do', () => {
    const made = makeGateway(organization, withDefaults({}), { ...settings, httpClient: 'undici' }, undefined);
    // biome-ignore lint/suspicious/noExplicitAny: an API object of any kind.
    const { spec } = made.find(({ kind }) => kind === 'Deployment') as any;
    const [container] = spec.template.spec.containers;
    assert.deepEqual(container.env, [{ name: 'CHAPERONE_HTTP_CLIENT', value: 'undici' }]);
  });

  test('lead from the Service’s port to the proxy’s, with and without TLS', () => {
    for (const [gateway, port, target] of [
      [{}, 80, 8000],
      [{ tls: { secretName: 'acme-tls' } }, 443, 8443],
      [{ tls: { secretName: 'acme-tls' }, service: { type: 'LoadBalancer', port: 8080 } }, 8080, 8443],
    ] as const) {
      const { Service, Deployment } = make(gateway);
      const [container] = Deployment.spec.template.spec.containers;
      assert.equal(Service.spec.ports[0].port, port);
      assert.equal(Service.spec.ports[0].targetPort, 'api');
      assert.equal(container.ports[0].containerPort, target);
      assert.ok(container.args.join(' ').includes(`--host 0.0.0.0 --port ${target}`));
      assert.equal(container.args.includes('--tls'), 'tls' in gateway);
    }
  });

  test('give the pods no rights, and of the certificate’s Secret only its two files', () => {
    const { spec } = make({ tls: { secretName: 'acme-tls' } }).Deployment.spec.template;
    assert.equal(spec.automountServiceAccountToken, false);
    const { securityContext } = spec.containers[0];
    assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] });
    assert.equal(securityContext.readOnlyRootFilesystem, true);
    assert.equal(securityContext.runAsNonRoot, true);
    const { secret } = spec.volumes.find(({ name }: { name: string }) => name === 'certificate');
    assert.deepEqual(
      secret.items.map(({ key }: { key: string }) => key),
      ['tls.crt', 'tls.key'],
    );
  });

  test('stop slowly enough for running calls', () => {
    const { spec } = make({}).Deployment.spec.template;
    const [{ args, lifecycle }] = spec.containers;
    const secondsOf = (option: string) => Number(args[args.indexOf(option) + 1]);
    const needed = lifecycle.preStop.sleep.seconds + secondsOf('--grace') + secondsOf('--flush');
    assert.ok(spec.terminationGracePeriodSeconds > needed);
  });

  test('have the requests and limits that the Organization states', () => {
    const { resources } = make({ resources: { requests: { cpu: '2' }, limits: { memory: '1Gi' } } }).Deployment.spec
      .template.spec.containers[0];
    assert.deepEqual(resources, { requests: { cpu: '2', memory: '96Mi' }, limits: { memory: '1Gi' } });
  });
});

test('a gateway’s name is that of a Service, and no two organizations have the same', () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/);
  fc.assert(
    fc.property(name, name, (one, other) => {
      assert.match(gatewayName(one), /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      assert.equal(gatewayName(one) === gatewayName(other), one === other);
    }),
  );
});
