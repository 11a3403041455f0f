import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Secret } from '../../../operator/cluster/cluster.ts';
import { addressOf, judgeCertificate, judgeNamespaces, judgePods } from '../../../operator/gateways/decide.ts';
import type { GatewayDeployment } from '../../../operator/gateways/objects.ts';
import { makeOrganization } from '../memory-cluster.ts';

const organization = makeOrganization('acme');
const plain = { replicas: 2, targetCpuPercent: 70, service: { type: 'ClusterIP' } } as const;
const gateway = { ...plain, tls: { secretName: 'acme-tls' } };

function certificate(labels: Record<string, string>, keys = ['tls.crt', 'tls.key']): Secret {
  return {
    ...({ apiVersion: 'v1', kind: 'Secret' } as const),
    metadata: { ...organization.metadata, name: 'acme-tls', namespace: 'governance', labels },
    data: Object.fromEntries(keys.map((key) => [key, Buffer.from('x')])),
  };
}

const permitted = { 'chaperone.dev/certificate-of': 'acme' };

suite('the certificate of a gateway', () => {
  for (const [name, secret, reason] of [
    ['does not exist', undefined, 'CertificateMissing'],
    ['has no key', certificate(permitted, ['tls.crt']), 'CertificateMissing'],
    ['has no label', certificate({}), 'CertificateNotPermitted'],
    ['is another’s', certificate({ 'chaperone.dev/certificate-of': 'globex' }), 'CertificateNotPermitted'],
    [
      'is a Secret of the operator’s own',
      certificate({ ...permitted, 'app.kubernetes.io/managed-by': 'chaperone' }),
      'CertificateNotPermitted',
    ],
    ['is permitted', certificate(permitted), undefined],
  ] as const) {
    test(name, () => {
      const verdict = judgeCertificate(organization, gateway, secret, 'governance');
      assert.equal(verdict?.reason, reason);
      if (verdict) assert.match(verdict.message, /kubectl (create|label) secret/);
    });
  }
  test('is not needed without TLS', () => {
    assert.equal(judgeCertificate(organization, plain, undefined, 'governance'), undefined);
  });
});

suite('the pods of a gateway', () => {
  const deployment = (spec: object, status: object): GatewayDeployment => ({
    metadata: {
      ...{ name: 'chaperone-gateway-acme', namespace: 'governance', uid: 'u', resourceVersion: '1', generation: 2 },
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'chaperone.dev/gateway-of': 'acme' },
    },
    spec: { replicas: 2, selector: {}, template: {}, ...spec },
    status: { observedGeneration: 2, ...status },
  });
  for (const [name, status, reason] of [
    ['are ready', { replicas: 2, updatedReplicas: 2, availableReplicas: 2, readyReplicas: 2 }, 'GatewayReady'],
    ['are starting', { replicas: 2, updatedReplicas: 2, availableReplicas: 1, readyReplicas: 1 }, 'GatewayProgressing'],
    ['are those of the template before', { observedGeneration: 1, readyReplicas: 2 }, 'GatewayProgressing'],
    ['do not come up', { replicas: 1, conditions: [{ type: 'Progressing', status: 'False' }] }, 'GatewayStuck'],
  ] as const) {
    test(name, () => {
      const verdict = judgePods(deployment({}, status), 'https://host/v1');
      assert.equal(verdict.reason, reason);
      assert.equal(verdict.status, reason === 'GatewayReady');
      assert.match(
        verdict.message,
        verdict.status ? /https:\/\/host\/v1/ : /kubectl describe pods --namespace governance/,
      );
    });
  }
});

test('a gateway’s address has its port only where clients must state it', () => {
  const at = (more: object) => addressOf('acme', { ...plain, ...more }, 'governance');
  assert.equal(at({}), 'http://chaperone-gateway-acme.governance.svc/v1');
  assert.equal(
    at({ service: { type: 'ClusterIP', port: 8080 } }),
    'http://chaperone-gateway-acme.governance.svc:8080/v1',
  );
  assert.equal(at(gateway), 'https://chaperone-gateway-acme.governance.svc/v1');
  assert.equal(
    at({ ...gateway, service: { type: 'ClusterIP', port: 8443 } }),
    'https://chaperone-gateway-acme.governance.svc:8443/v1',
  );
});

test('a namespace that is no member is named', () => {
  assert.equal(judgeNamespaces({ ...plain, namespaces: ['web'] }, ['web', 'api']), undefined);
  assert.match(
    judgeNamespaces({ ...plain, namespaces: ['web', 'other'] }, ['web'])?.message ?? '',
    /Organization: other\./,
  );
});
