import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { run } from '../../scripts/cluster/run.ts';
import { openTarget, repository } from '../../scripts/cluster/target.ts';
import { makeTenant, skip, startWorkload } from './cluster.ts';

suite('chaperone check', { skip }, () => {
  test('has nothing to say against an installation that works, with pods that have sidecars', async (t) => {
    const { name } = await makeTenant(t);
    await startWorkload(name);
    const { env } = await openTarget(process.env);
    // Rejects where the exit code is another than 0. What other tests have left may still be on its way out.
    const command = [join(repository, 'cli', 'main.ts'), 'check', '--output', 'json', '--wait', '180s'];
    const { success, groups }: Report = JSON.parse(await run(process.execPath, command, { env }));
    assert.equal(success, true);
    const checks = groups.flatMap((group) => group.checks);
    for (const { id, status, ...rest } of checks) assert.equal(status, 'ok', `${id}: ${JSON.stringify(rest)}`);
    const ids = checks.map(({ id }) => id);
    for (const id of ['pods-governed', 'sidecars-ready', 'sidecars-current']) assert.ok(ids.includes(id), id);
    assert.equal(checks.find(({ id }) => id === 'sidecars-ready')?.message, '1', 'the pod was looked at');
  });
});

interface Report {
  readonly success: boolean;
  readonly groups: readonly {
    readonly checks: readonly { readonly id: string; readonly status: string; readonly message?: string }[];
  }[];
}
