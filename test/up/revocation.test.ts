import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { copyQuickstart, replaceFile } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { onlyOrganization, type RunningUp, startUp } from './start-up.ts';

/** The procedures of docs/security.md, by its commands. */
describe('a credential that leaked', () => {
  const scope = suiteScope();
  let up: RunningUp;
  before(async () => {
    up = await startUp(scope, { directory: await copyQuickstart(scope) });
  });

  const chaperone = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli([...args, '--organization', 'acme', '--data', up.data]);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout.trim();
  };
  const issue = async (...args: string[]) => JSON.parse(await chaperone('token', '--json', ...args));
  const ask = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'ada' };
    const answer = await fetch(`${onlyOrganization(up).baseUrl}/personas`, { headers });
    await answer.text();
    return answer.status;
  };
  const untilRefused = (token: string) => until(async () => (await ask(token)) === 401, 'the token to be refused');

  it('is revoked by its id, which `chaperone token` prints, and no other with it', async () => {
    const leaked = await issue();
    const { token, id, organization, user, roles, expiresAt } = leaked;
    assert.deepEqual({ organization, user, roles }, { organization: 'acme', user: null, roles: null });
    assert.ok(Date.parse(expiresAt) > Date.now());
    const other = await issue();
    assert.deepEqual([await ask(token), await ask(other.token)], [200, 200]);
    assert.equal(await chaperone('token', 'revoke', '--id', id), `Revoked in organization "acme": the token ${id}.`);
    await untilRefused(token);
    assert.equal(await ask(other.token), 200);
    await chaperone('token', 'revoke', '--id', other.token);
    await untilRefused(other.token);
  });

  it('is revoked by its user, who can get another one at once', async () => {
    const { token } = await issue('--user', 'ada');
    assert.equal(await ask(token), 200);
    await chaperone('token', 'revoke', '--user', 'ada');
    await untilRefused(token);
    assert.equal(await ask((await issue('--user', 'ada')).token), 200);
    assert.equal(await ask(onlyOrganization(up).token), 200);
  });

  it('is revoked with all tokens that were issued until now', async () => {
    await chaperone('token', 'revoke', '--issued-before', 'now');
    await untilRefused(onlyOrganization(up).token);
    assert.equal(await ask((await issue()).token), 200);
  });

  it('that is the signing key is replaced at once, and its tokens are refused', async () => {
    const { token } = await issue();
    assert.equal(await ask(token), 200);
    const file = join(up.directory, 'organization.yaml');
    const yaml = await readFile(file, 'utf8');
    // Keys tell in whole seconds when they were issued.
    const now = new Date((Math.floor(Date.now() / 1_000) + 1) * 1_000).toISOString();
    const annotation = `  annotations: {chaperone.dev/rotate-now: "${now}"}\n`;
    await replaceFile(file, yaml.replace('  name: acme\n', `  name: acme\n${annotation}`));
    await untilRefused(token);
    await until(async () => (await ask((await issue()).token)) === 200, 'the proxy to know the new key');
    assert.equal(await ask(token), 401);
  });

  it('of a missing organization cannot be revoked', async () => {
    const { code, stderr } = await runCli([
      'token',
      'revoke',
      '--organization',
      'none',
      '--user',
      'ada',
      '--data',
      up.data,
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /There is no organization "none"/);
  });
});
