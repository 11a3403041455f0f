import assert from 'node:assert/strict';
import { request } from 'node:https';
import { suite, test } from 'node:test';
import { issueAuthority, issueServing } from '../../operator/certificates/issue.ts';
import { runCli } from '../run-cli.ts';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import { apply, kubectl, makeTenant, operatorNamespace, organizationOf, query, skip, withService } from './cluster.ts';

const installation = ['--namespace', operatorNamespace, '--kubeconfig', process.env.KUBECONFIG ?? ''];
const pods = (name: string) => [
  'pods',
  '--namespace',
  operatorNamespace,
  `--selector=chaperone.dev/gateway-of=${name}`,
];

suite('a gateway', { skip }, () => {
  test('serves clients outside pods by HTTPS, also after a roll-out, and leaves nothing behind', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    const authority = await issueAuthority({ lifetimeMs: 86_400_000, nowMs: Date.now() });
    const { certificate, privateKey } = await issueServing(authority, ['gateway.test'], {
      lifetimeMs: 86_400_000,
      nowMs: Date.now(),
    });
    const secretName = `${name}-tls`;
    atEnd(t, () => kubectl('delete', 'secret', secretName, '--namespace', operatorNamespace, '--ignore-not-found'));
    const labels = { 'chaperone.dev/certificate-of': name };
    await apply(operatorNamespace, {
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: secretName, labels } },
      stringData: { 'tls.crt': certificate, 'tls.key': privateKey },
    });
    const gateway = { replicas: 2, tls: { secretName }, resources: { requests: { cpu: '20m', memory: '64Mi' } } };
    await apply(name, organizationOf(name, { gateway }));
    await kubectl('wait', '--for=condition=GatewayReady', `organization/${name}`, '--timeout=180s');
    t.diagnostic(`\n${await kubectl('get', 'organization', name, '--output=wide')}`);

    const { stdout } = await runCli([
      'token',
      '--organization',
      name,
      '--user',
      'ada',
      '--expires',
      '1h',
      ...installation,
    ]);
    const call = (port: number) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: `Bearer ${stdout.trim()}`, 'content-type': 'application/json' };
        const options = { method: 'POST', path: '/v1/chat/completions', headers, agent: false as const };
        request({ ...options, host: '127.0.0.1', port, ca: authority.certificate, servername: 'gateway.test' })
          .on('error', reject)
          .on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode)))
          .end(JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }));
      });
    const service = `chaperone-gateway-${name}`;
    assert.equal(await withService(service, 443, call), 200);
    const records = await until(async () => {
      const rows = await query<{ namespace: string; workload: string; status: string }>(
        'select namespace, workload, status from chaperone.requests where organization_id = $1',
        [organizationId],
      );
      return rows.length > 0 && rows;
    }, 'the record of the call');
    assert.deepEqual(records, [{ namespace: operatorNamespace, workload: 'gateway', status: 'completed' }]);

    // A change of the template replaces every pod.
    await apply(name, organizationOf(name, { gateway: { ...gateway, resources: { requests: { cpu: '21m' } } } }));
    await until(async () => (await reasonOf(name)) === 'GatewayProgressing', 'the rollout to be seen');
    await kubectl('wait', '--for=condition=GatewayReady', `organization/${name}`, '--timeout=180s');
    assert.equal(await withService(service, 443, call), 200);

    await apply(name, organizationOf(name));
    await until(async () => (await kubectl('get', ...pods(name), '--output=name')) === '', 'the pods to go');
    assert.equal(await reasonOf(name), '');
  });
});

function reasonOf(name: string): Promise<string> {
  const path = '{.status.conditions[?(@.type=="GatewayReady")].reason}';
  return kubectl('get', 'organization', name, `--output=jsonpath=${path}`);
}
