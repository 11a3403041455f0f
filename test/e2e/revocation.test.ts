import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { call, kubectl, makeTenant, mountNow, operatorNamespace, query, skip, startWorkload } from './cluster.ts';

/** What the application would do with a token of its own. */
const ask = `fetch('http://127.0.0.1:8000/v1/personas', { headers: { authorization: 'Bearer ' + process.argv[1] } })
  .then((answer) => console.log(answer.status))`;

suite('credentials that leaked', { skip }, () => {
  test('a token is revoked from the operator’s pod, and an emergency rotation fails no call of a pod', async (t) => {
    const { name, organizationId } = await makeTenant(t, { authentication: { serviceAccounts: {} } });
    await startWorkload(name);
    const application = ['--namespace', name, 'deployment/workload', '--container=app', '--'];
    const askWith = async (token: string) => (await kubectl('exec', ...application, 'node', '-e', ask, token)).trim();
    const issue = () => kubectl('create', 'token', 'default', '--namespace', name, '--audience=chaperone.dev');
    const leaked = (await issue()).trim();
    assert.equal(await askWith(leaked), '200');
    const operator = ['--namespace', operatorNamespace, 'deployment/chaperone', '--container=operator', '--'];
    const told = await kubectl(
      ...['exec', ...operator, 'node', '/app/chaperone.js', 'token', 'revoke', '--organization', name],
      ...['--user', `system:serviceaccount:${name}:default`],
      ...['--database-url-file', '/etc/chaperone/database/url'],
    );
    assert.match(told, /^Revoked in organization/);
    await until(async () => (await askWith(leaked)) === '401', 'the token to be refused');
    assert.equal(await askWith((await issue()).trim()), '200');

    const keyIds = () => kubectl('get', 'organization', name, '--output=jsonpath={.status.tokenKeyIds}');
    const before = await keyIds();
    const now = new Date().toISOString();
    await kubectl('annotate', 'organization', name, `chaperone.dev/rotate-now=${now}`);
    await until(async () => (await keyIds()) !== before, 'another signing key');
    // Its login is gone, and the new one not mounted yet.
    const { id, code } = await call(name, {});
    assert.ok(id !== undefined, code ?? 'it has no id');
    await mountNow('--namespace', name, '--selector=app=workload');
    await until(
      async () => {
        const sql = 'select from chaperone.requests where organization_id = $1 and response_id = $2';
        return (await query(sql, [organizationId, id])).length === 1;
      },
      'its record by the new login',
      180_000,
    );
  });
});
