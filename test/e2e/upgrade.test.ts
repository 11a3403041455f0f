import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { applyQuickstart, installChart, loadDatabase, loadProduct } from '../../scripts/cluster/install.ts';
import { run } from '../../scripts/cluster/run.ts';
import { openTarget, repository } from '../../scripts/cluster/target.ts';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import { call, kubectl, makeTenant, query, skip, startWorkload } from './cluster.ts';
import { endCalls, endless, startCalls, untilAnswered } from './jobs.ts';

/** The first migration that no version has which people run. Raised when a version is released. */
const firstUnreleasedMigration = 'database/migrations/000013.sql';

/** What is upgraded from: the last release, or where there is none what was before the first unreleased migration. */
const former = skip === false ? findFormer() : undefined;

suite('an upgrade of the chart', {
  skip: skip || (former === undefined && 'there is no history of the repository'),
}, () => {
  test('loses no call, no key and no record, and says which sidecars are outdated', async (t) => {
    await installFormer(t);
    const { name, organizationId, personaId } = await makeTenant(t, { sharing: undefined });
    await startWorkload(name);
    const before = await readState(name);
    const first = await call(name, { input: 'Before' });
    assert.ok(first.id, JSON.stringify(first));
    await startCalls(name, endless, {}, { pauseMs: 100 });
    await untilAnswered(name, 1);

    await runScript('cluster-up.ts');
    await kubectl('wait', '--for=condition=Ready', `organization/${name}`, '--timeout=180s');
    await kubectl('wait', '-n', name, '--for=condition=Ready', 'personas,apikeybindings', '--all', '--timeout=180s');
    assert.deepEqual(await readState(name), before);
    assert.equal(await kubectl('get', 'persona', 'agent', '-n', name, '-o=jsonpath={.status.id}'), personaId);
    const second = await call(name, { input: 'After' });
    assert.ok(second.id, JSON.stringify(second));

    await untilAnswered(name, 10);
    const calls = await endCalls(name);
    const failed = calls.filter(({ id }) => id === undefined);
    assert.deepEqual(failed, [], 'calls failed during the upgrade');
    const made = [first, second, ...calls].map(({ id }) => id ?? '');
    await until(async () => {
      // What the upstream has not answered, for it is replaced as well, is recorded without its id; the SDK tries again.
      const rows = await query<{ response_id: string }>(
        'select response_id from chaperone.requests where organization_id = $1 and response_id is not null',
        [organizationId],
      );
      const recorded = rows.map(({ response_id }) => response_id);
      const repeated = recorded.filter((id, index) => recorded.indexOf(id) !== index);
      assert.deepEqual(repeated, [], 'calls are recorded twice');
      return made.every((id) => recorded.includes(id));
    }, 'the records of all calls');

    // The image is another, so running pods have the former sidecar until they are made anew.
    const outdated = async () => kubectl('get', 'organization', name, '-o=jsonpath={.status.outdatedSidecars}');
    await until(async () => (await outdated()) === '1', 'the outdated sidecar to be counted');
    await kubectl('rollout', 'restart', 'deployment/workload', '-n', name);
    await kubectl('rollout', 'status', 'deployment/workload', '-n', name, '--timeout=180s');
    await until(async () => (await outdated()) === '0', 'the sidecar to be current');
    assert.ok((await call(name, {})).id);

    // What was there before serves everyone until it is stated what does, and then for as long as a key takes to reach
    // every pod: test/cluster/sharing.test.ts has what comes after.
    const declared = async () => {
      const path = '{.status.conditions[?(@.type=="SharingDeclared")].reason}';
      return kubectl('get', 'organization', name, `-o=jsonpath=${path}`);
    };
    assert.equal(await declared(), 'SharingUndeclared');
    const sharing = JSON.stringify({ spec: { sharing: [{ namespace: name, users: ['alice@example.com'] }] } });
    await kubectl('patch', 'organization', name, '--type=merge', `--patch=${sharing}`);
    await until(async () => /^(WaitingForKeys|Declared)$/.test(await declared()), 'the statement to be looked at');
    await kubectl('wait', '-n', name, '--for=condition=Ready', 'personas,apikeybindings', '--all', '--timeout=180s');
    assert.ok((await call(name, {})).id);
  });
});

function findFormer(): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const attempts = [
    () => git('describe', '--tags', '--abbrev=0'),
    () => git('rev-parse', `${git('log', '-1', '--diff-filter=A', '--format=%H', '--', firstUnreleasedMigration)}^`),
  ];
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch {
      // No tag, or no history.
    }
  }
  return undefined;
}

/** In place of what is there: image, chart and quickstart as they were. */
async function installFormer(t: TestContext): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-former-'));
  atEnd(t, () => rm(directory, { recursive: true }));
  await run('bash', ['-c', 'git -C "$0" archive "$1" | tar -x -C "$2"', repository, former ?? '', directory]);
  await symlink(join(repository, 'node_modules'), join(directory, 'node_modules'));
  await runScript('cluster-down.ts');
  const target = await openTarget(process.env);
  const build = (bundle: string) =>
    run(process.execPath, [
      '-e',
      'import(process.argv[1]).then(({ build }) => build(process.argv[2]))',
      join(directory, 'scripts/build.ts'),
      bundle,
    ]);
  const image = await loadProduct(target, async (bundle) => void (await build(bundle)));
  await installChart(target, join(directory, 'charts/chaperone'), image, await loadDatabase(target));
  await applyQuickstart(target, join(directory, 'examples/quickstart'));
}

const runScript = (name: string) => run(process.execPath, [join(repository, 'scripts', name)]);

/** What must be the same afterwards. */
async function readState(name: string): Promise<object> {
  const keys = await kubectl('get', 'secret', 'shared-synthetic-key', '-n', name, '-o=jsonpath={.data.api-key}');
  const id = await kubectl('get', 'organization', name, '-o=jsonpath={.status.id}');
  const signing = ['secret', `chaperone-${name}-signing-keys`, '-n', 'chaperone-system'];
  return { keys, id, tokenKeys: await kubectl('get', ...signing, '-o=jsonpath={.data.keys\\.json}') };
}
