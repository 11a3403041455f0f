import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { openTarget, repository } from '../../scripts/cluster/target.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { helm, kubectl, makeTenant, operatorNamespace, skip, startWorkload } from './cluster.ts';

/** What other tests have left may still be on its way out. */
const wait = ['--wait', '180s'];

suite('chaperone check', { skip }, () => {
  const scope = suiteScope();
  let name: string;
  before(async () => {
    await kubectl(
      ...['wait', '--for=delete', 'pods', '--all-namespaces', '--selector=chaperone.dev/injected=true'],
      '--timeout=180s',
    );
    ({ name } = await makeTenant(scope));
    await startWorkload(name);
  });

  test('finds no problem in a working installation with injected pods', async () => {
    const checks = await check(...wait);
    for (const { id, status, ...rest } of checks) assert.equal(status, 'ok', `${id}: ${JSON.stringify(rest)}`);
    const ids = checks.map(({ id }) => id);
    for (const id of ['pods-governed', 'sidecars-ready', 'sidecars-current']) assert.ok(ids.includes(id), id);
    assert.equal(checks.find(({ id }) => id === 'sidecars-ready')?.message, '1', 'the pod was looked at');
  });

  test('says the same as a Job in the cluster, by an account that may only read', async (t) => {
    const job = `check-${name}`;
    atEnd(t, () => kubectl('delete', 'job', job, '--namespace', operatorNamespace));
    await kubectl('create', 'job', job, '--from=cronjob/chaperone-check', '--namespace', operatorNamespace);
    await kubectl('wait', '--for=condition=Complete', `job/${job}`, '--namespace', operatorNamespace, '--timeout=180s');
    const log = await kubectl('logs', `job/${job}`, '--namespace', operatorNamespace);
    t.diagnostic(`\n${log}`);
    assertAllWell(log);
    assert.match(log, /√ every pod's sidecar is ready \(\d+\)/);
  });

  test('runs as helm test, with a readable log', async (t) => {
    const log = await helm('test', 'chaperone', '--namespace', operatorNamespace, '--logs');
    t.diagnostic(`\n${log}`);
    assertAllWell(log);
    assert.match(log, /chaperone-operator\n-{18}\n√ the operator is available/);
  });

  test('finds refused pods, which no other command shows', async (t) => {
    const { name } = await makeTenant(t);
    await startWorkload(name);
    await kubectl('label', 'namespace', name, 'example.com/tenant-');
    const found = await until(
      async () => {
        // An operator that has not seen the label go yet lets the next pod in, so that one is deleted, too.
        await kubectl('delete', 'pods', '--all', '--namespace', name);
        const admitted = (await check('--in', name)).find(({ id }) => id === 'pods-admitted');
        return admitted?.status === 'failed' && admitted;
      },
      'a pod to be refused',
      180_000,
    );
    assert.match(JSON.stringify(found), new RegExp(`ReplicaSet ${name}/workload-.*belongs to no Organization`));
    await kubectl('label', 'namespace', name, `example.com/tenant=${name}`);
  });

  for (const role of ['admin', 'edit']) {
    test(`is useful with the built-in role ${role} in a namespace`, async (t) => {
      const kubeconfig = await makeAccount(t, name, role);
      const checks = await check('--kubeconfig', kubeconfig, '--in', name, ...wait);
      const told = Object.fromEntries(checks.map(({ id, status }) => [id, status]));
      const unknown = ['pods-belong', 'sidecars-current', 'pods-admissible'];
      for (const { id, status, ...rest } of checks) {
        assert.equal(status, unknown.includes(id) ? 'unknown' : 'ok', `${id}: ${JSON.stringify(rest)}`);
      }
      for (const id of ['namespace-member', 'bindings-ready', 'personas-ready', 'sidecars-ready', 'pods-keyed']) {
        assert.equal(told[id], 'ok', id);
      }
      const whole = await check('--kubeconfig', kubeconfig);
      assert.ok(whole.length > 20, 'nothing stops at what cannot be read');
    });
  }

  test('the built-in roles include the namespaced kinds, and cannot edit an Organization', async (t) => {
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
    const reads = verbs.slice(0, 3);
    const kinds = ['personas', 'apikeybindings', 'analysisconfigs'];
    for (const [role, expected] of [
      ['view', reads],
      ['edit', verbs],
      ['admin', verbs],
    ] as const) {
      const user = `somebody-${role}@example.com`;
      await kubectl('create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${user}`, '--namespace', name);
      for (const resource of kinds) {
        const allowed = await listAllowed(user, { namespace: name, group: 'chaperone.dev', resource }, verbs);
        assert.deepEqual(allowed, expected, `${role} ${resource}`);
        const status = { namespace: name, group: 'chaperone.dev', resource, subresource: 'status' };
        assert.deepEqual(await listAllowed(user, status, ['update', 'patch']), [], `${role} ${resource}/status`);
      }
      const everywhere = { group: 'chaperone.dev', resource: 'organizations' };
      assert.deepEqual(await listAllowed(user, everywhere, verbs), [], `${role} organizations`);
      const elsewhere = { namespace: 'default', group: 'chaperone.dev', resource: 'personas' };
      assert.deepEqual(await listAllowed(user, elsewhere, verbs), [], `${role} elsewhere`);
    }
    // Who has a built-in role in the whole cluster may look at Organizations, and still not edit them.
    const clusterRole = `e2e-${name}`;
    const user = `everywhere-${name}@example.com`;
    await kubectl('create', 'clusterrolebinding', clusterRole, '--clusterrole=admin', `--user=${user}`);
    atEnd(t, () => kubectl('delete', 'clusterrolebinding', clusterRole));
    const organizations = { group: 'chaperone.dev', resource: 'organizations' };
    assert.deepEqual(await listAllowed(user, organizations, verbs), reads);
  });

  test('kubectl get chaperone shows every kind', async () => {
    const names = await kubectl('get', 'chaperone', '--namespace', name, '--output=name');
    for (const one of [
      `organization.chaperone.dev/${name}`,
      'persona.chaperone.dev/agent',
      'apikeybinding.chaperone.dev/shared',
    ]) {
      assert.ok(names.split('\n').includes(one), `${one} in\n${names}`);
    }
  });
});

function assertAllWell(log: string): void {
  assert.match(log, /Status check results are √$/m);
  assert.doesNotMatch(log, /^[×‼?] /m);
}

/** Runs `chaperone check`, whether it finds a failure or not. */
async function check(...args: string[]): Promise<Report['groups'][number]['checks']> {
  const { env } = await openTarget(process.env);
  const command = [join(repository, 'cli', 'main.ts'), 'check', '--output', 'json', ...args];
  const { stdout: output } = await promisify(execFile)(process.execPath, command, {
    env: { ...process.env, ...env },
    maxBuffer: 1 << 24,
  }).catch((error: unknown) => {
    if (error instanceof Error && 'stdout' in error && error.stdout) return { stdout: String(error.stdout) };
    throw error;
  });
  const { groups }: Report = JSON.parse(output);
  return groups.flatMap(({ checks }) => checks);
}

/** An account with a built-in role in a namespace. @returns the file of its kubeconfig */
async function makeAccount(t: TestContext, namespace: string, role: string): Promise<string> {
  await kubectl('create', 'serviceaccount', role, '--namespace', namespace);
  await kubectl(
    ...['create', 'rolebinding', `account-${role}`, `--clusterrole=${role}`],
    ...[`--serviceaccount=${namespace}:${role}`, '--namespace', namespace],
  );
  const token = await kubectl('create', 'token', role, '--namespace', namespace);
  const config = JSON.parse(await kubectl('config', 'view', '--raw', '--flatten', '--minify', '--output=json'));
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-e2e-'));
  atEnd(t, () => rm(directory, { recursive: true }));
  const file = join(directory, 'kubeconfig');
  const users = config.users.map((entry: object) => ({ ...entry, user: { token } }));
  await writeFile(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return file;
}

/** Which verbs a user may, as the API server tells. */
async function listAllowed(user: string, attributes: object, verbs: readonly string[]): Promise<string[]> {
  const { kubectl: send } = await openTarget(process.env);
  const reviews = verbs.map((verb) => {
    const spec = { user, resourceAttributes: { ...attributes, verb } };
    return JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec });
  });
  const args = ['create', '--validate=false', '--filename', '-', '--output=jsonpath={.status.allowed}{" "}'];
  const answers = (await send(args, { input: reviews.join('\n---\n') })).trim().split(/\s+/);
  assert.equal(answers.length, verbs.length);
  return verbs.filter((_, index) => answers[index] === 'true');
}

interface Report {
  readonly success: boolean;
  readonly groups: readonly {
    readonly checks: readonly { readonly id: string; readonly status: string; readonly message?: string }[];
  }[];
}
