import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Client } from 'pg';
import { appendAudit } from '../../database/audit/append.ts';
import { copyQuickstart, replaceFile } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { onlyOrganization, type RunningUp, startUp } from './start-up.ts';

describe('chaperone audit', () => {
  const scope = suiteScope();
  let up: RunningUp;
  before(async () => {
    up = await startUp(scope, { directory: await copyQuickstart(scope) });
  });

  const chaperone = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(['audit', ...args, '--data', up.data]);
    assert.equal(stderr, '');
    return { code, stdout };
  };
  const list = async (...args: string[]) => JSON.parse((await chaperone(...args, '--output', 'json')).stdout).entries;

  it('lists the files’ changes, refusals and revocations', async () => {
    const file = join(up.directory, 'organization.yaml');
    const text = await readFile(file, 'utf8');
    await replaceFile(file, text.replace(/displayName: .*/, 'displayName: Acme Inc.'));
    const [changed] = await until(async () => {
      const found = await list('--subject', 'Organization/acme');
      return found.length > 1 && found;
    }, 'the change to be in the log');
    assert.deepEqual([changed.action, changed.actor.managers], ['changed', [{ manager: 'directory' }]]);

    const { baseUrl } = onlyOrganization(up);
    const refused = await fetch(`${baseUrl}/models`, { headers: { authorization: 'Bearer chp_wrong' } });
    assert.equal(refused.status, 401);
    await until(async () => (await list('--kind', 'refusal', '--since', '1h')).length === 1, 'the refusal');
    await runCli(['token', 'revoke', '--organization', 'acme', '--user', 'ada', '--data', up.data]);
    const [revoked, ...more] = await list('--kind', 'revocation');
    assert.deepEqual([revoked.subject, revoked.user, more.length], ['User', 'ada', 0]);

    const { stdout } = await chaperone('--kind', 'refusal');
    assert.match(
      stdout,
      /^TIME +ORGANIZATION +SEQ +WHO +WHAT\n\S+ +acme +\d+ +\(nobody\) +refused GET \/v1\/models: invalid_credentials/,
    );
  });

  it('verifies the log, with the head of the status, and exits with 1 once it is broken', async () => {
    const intact = await until(async () => {
      const { code, stdout } = await chaperone('verify');
      assert.equal(code, 0, stdout);
      return /as the status has it/.test(stdout) && stdout;
    }, 'the status to have a head');
    assert.match(intact, /^acme: intact, \d+ entries; the end is as the status has it \(head [0-9a-f]{64}\)\n$/);

    const owner = new Client({ connectionString: up.ready.databaseUrl });
    await owner.connect();
    const { rows } = await owner.query('select organization_id as id from chaperone.organizations');
    const [entry] = await list('--limit', '1');
    const { entry: _, hash: __, organization: ___, ...fields } = entry;
    await appendAudit(owner, 'owner', rows[0]?.id, [{ ...fields, id: 'another' }]);
    await owner.query('alter table chaperone.audit_log disable trigger all');
    await owner.query('delete from chaperone.audit_log where seq = 2');
    await owner.end();
    const broken = await chaperone('verify', '--organization', 'acme');
    assert.deepEqual(broken, { code: 1, stdout: 'acme: BROKEN: entry 2 is missing; the next one is 3\n' });
    assert.equal(JSON.parse((await chaperone('verify', '--output', 'json')).stdout).logs[0].state, 'broken');
  });
});
