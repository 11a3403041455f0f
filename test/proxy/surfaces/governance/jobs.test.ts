import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { addJobOf } from '../../../../database/jobs.ts';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { type Ask, makeAsk } from './ask.ts';

/** What workers have to do, through the front door. No worker runs, so jobs stay as they are. */
describe('/v1/jobs', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  let owner: Client;
  let admin: Record<string, string>;
  const ids: Record<string, string> = {};

  before(async () => {
    stack = await startStack(scope);
    ask = makeAsk(stack);
    owner = await connect(scope, stack.database.url);
    admin = { authorization: `Bearer ${await stack.sign({ user: 'root', roles: ['admin'] })}`, 'x-user-id': 'root' };
    const { rows } = await owner.query('select organization_id as id from chaperone.organizations');
    const add = async (name: string, organization: string) => {
      ids[name] = await addJobOf(owner, organization, { task: 'settle-calls', id: name });
    };
    for (const name of ['waiting', 'dead', 'running']) await add(name, rows[0].id);
    for (const name of ['foreign', 'foreign-dead']) await add(name, randomUUID());
    await kill(ids.dead, ids['foreign-dead']);
    await owner.query(`update graphile_worker._private_jobs set locked_at = now(), locked_by = 'x' where id = $1`, [
      ids.running,
    ]);
  });

  /** As a worker leaves what it has given up. */
  const kill = (...dead: (string | undefined)[]) =>
    owner.query(
      `update graphile_worker._private_jobs
       set attempts = max_attempts, last_error = 'upstream_error: The provider had an error', flags = '{"told": true}'
       where id = any ($1::bigint[])`,
      [dead],
    );
  const list = async (query = '') => {
    const { status, body } = await ask('GET', `/jobs${query}`, undefined, admin);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };

  it('lists those of the organization alone, the oldest first', async () => {
    const { jobs, total } = await list();
    assert.deepEqual(
      jobs.map(({ id, state }: { id: string; state: string }) => [id, state]),
      [
        [ids.waiting, 'waiting'],
        [ids.dead, 'dead'],
        [ids.running, 'running'],
      ],
    );
    assert.equal(total, 3);
    assert.deepEqual(
      [jobs[1].task, jobs[1].about, jobs[1].attempts, jobs[1].max_attempts],
      ['settle-calls', 'dead', 10, 10],
    );
    assert.match(jobs[1].last_error, /^upstream_error: /);
  });

  it('filters and pages', async () => {
    const idsOf = ({ jobs }: { jobs: { id: string }[] }) => jobs.map(({ id }) => id);
    assert.deepEqual(idsOf(await list('?state=dead')), [ids.dead]);
    const second = await list('?limit=1&offset=1');
    assert.deepEqual([idsOf(second), second.total], [[ids.dead], 3]);
    assert.equal((await ask('GET', '/jobs?state=lost', undefined, admin)).body.error.param, 'state');
  });

  it('tries a dead letter again, once, and notes who did it', async () => {
    const { status, body } = await ask('POST', `/jobs/${ids.dead}/retry`, undefined, admin);
    assert.deepEqual([status, body], [202, { id: ids.dead }]);
    const { jobs } = await list();
    assert.deepEqual([jobs[1].state, jobs[1].attempts, jobs[1].last_error], ['waiting', 0, null]);
    const { body: log } = await ask('GET', `/audit?subject=Job/${ids.dead}`, undefined, admin);
    assert.deepEqual([log.entries[0].action, log.entries[0].actor.user], ['retried', 'root']);
    const again = await ask('POST', `/jobs/${ids.dead}/retry`, undefined, admin);
    assert.deepEqual([again.status, again.body.error.code], [404, 'job_not_found']);
  });

  it('refuses what is another organization’s, not dead, or no job', async () => {
    for (const id of [ids.foreign, ids['foreign-dead'], ids.waiting, ids.running, '0', 'x', '9'.repeat(30)]) {
      const { status, body } = await ask('POST', `/jobs/${id}/retry`, undefined, admin);
      assert.deepEqual([status, body.error.code, body.error.param], [404, 'job_not_found', 'id'], String(id));
    }
    const { rows } = await owner.query('select attempts from graphile_worker._private_jobs where id = $1', [
      ids['foreign-dead'],
    ]);
    assert.equal(rows[0].attempts, 10);
  });

  it('is for admins', async () => {
    const analyst = { authorization: `Bearer ${await stack.sign({ user: 'ann', roles: ['analyst'] })}` };
    for (const [method, path] of [
      ['GET', '/jobs'],
      ['POST', `/jobs/${ids.waiting}/retry`],
    ] as const) {
      const { status, body } = await ask(method, path, undefined, { ...analyst, 'x-user-id': 'ann' });
      assert.deepEqual([status, body.error.code], [403, 'role_required'], path);
    }
  });
});
