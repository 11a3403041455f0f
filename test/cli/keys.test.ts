import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { makeDirectory } from '../directories.ts';
import { setSpec } from '../proxy/surfaces/support/desk-stack.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const stated = { name: 'stated', type: 'Secret', sha256: ['0'.repeat(64)], roles: ['analyst'] };

describe('chaperone keys', () => {
  const scope = suiteScope();
  let stack: Stack;
  let urlFile: string;
  before(async () => {
    stack = await startStack(scope, {
      prepare: (directory) => setSpec(directory, { apiKeys: [stated] }),
    });
    urlFile = join(await makeDirectory(scope), 'url');
    await writeFile(urlFile, stack.database.url);
  });

  const run = (...args: string[]) => runCli(['keys', ...args, '--database-url-file', urlFile]);
  const make = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const statusOf = async (key: string, headers: Record<string, string> = {}) => {
    const url = new URL('/api/v1/knowledge-base', stack.baseUrl);
    return (await fetch(url, { headers: { authorization: `Bearer ${key}`, ...headers } })).status;
  };

  it('makes a secret key that proxies accept, rotates it, and revokes it for good', async () => {
    const key = await make('create', 'crm', '--roles', 'analyst', '--expires', '90d');
    assert.match(key, /^sk_[\w-]{43}$/);
    await until(async () => (await statusOf(key)) === 200, 'the key to be in force');
    const next = await make('rotate', 'crm', '--overlap', '1h');
    await until(async () => (await statusOf(next)) === 200, 'the new key to be in force');
    assert.equal(await statusOf(key), 200, 'the former one is accepted, too');
    const { keys } = JSON.parse(await make('list', '--output', 'json'));
    const [shown, ofYaml] = keys;
    assert.deepEqual([shown.name, shown.state, shown.roles, shown.managed_by], ['crm', 'rotating', ['analyst'], null]);
    assert.ok(Date.parse(shown.expires_at) > Date.now() + 89 * 86_400_000);
    assert.ok(next.startsWith(shown.hint.slice(0, 7)) && next.endsWith(shown.hint.slice(-4)));
    assert.deepEqual([ofYaml.name, ofYaml.managed_by, ofYaml.id], ['stated', 'Organization acme', null]);
    assert.match(await make('revoke', shown.id), /Revoked the key "crm"/);
    await until(async () => (await statusOf(next)) === 401 && (await statusOf(key)) === 401, 'both to be refused');
    const { stdout } = await runCli(['audit', '--subject', 'AccessKey/', '--database-url-file', urlFile]);
    for (const [command, action] of [
      ['create', 'created'],
      ['rotate', 'changed'],
      ['revoke', 'deleted'],
    ]) {
      assert.match(stdout, new RegExp(`chaperone keys ${command} +${action} AccessKey/${shown.id}`));
    }
    assert.doesNotMatch(stdout, /[sp]k_/);
  });

  it('makes a public key, which is for pages of its origins alone', async () => {
    const key = await make('create', 'website', '--type', 'public', '--origin', 'https://shop.example.com');
    assert.match(key, /^pk_[\w-]{43}$/);
    const ask = async (origin: string) => {
      const answer = await fetch(new URL(`/api/v1/conversations/conv_${'0'.repeat(24)}`, stack.baseUrl), {
        headers: { authorization: `Bearer ${key}`, origin },
      });
      return answer.status;
    };
    await until(async () => (await ask('https://shop.example.com')) === 404, 'the key to be in force');
    assert.equal(await ask('https://other.example.com'), 403);
    assert.match(await make(), /website +public +active +pk_\S+…\S{4} +https:\/\/shop\.example\.com/);
  });

  it('says in a sentence what it cannot do, and changes nothing', async () => {
    for (const [args, message] of [
      [['create', 'website', '--type', 'public', '--origin', '*'], /There is a key "website" already/],
      [['create', 'x', '--type', 'public'], /--origin is required of a public key/],
      [['create', 'x', '--type', 'public', '--origin', 'shop'], /--origin must be such as https:/],
      [['create', 'x', '--type', 'public', '--origin', '*', '--roles', 'admin'], /--roles are for secret keys/],
      [['create', 'x', '--origin', '*'], /--origin are for public keys/],
      [['create', 'x', '--visitor-requests-per-hour', '5'], /--visitor-requests-per-hour is for public keys/],
      [['create', 'x', '--roles', 'owner'], /"owner" is not a role/],
      [['create', 'x', '--expires', 'soon'], /"soon" is not a duration/],
      [['create', ' '], /The name must have 1 to 200 characters/],
      [['create', 'x', '--organization', 'nobody'], /There is no organization "nobody"/],
      [['rotate', 'website', '--overlap', '8d'], /--overlap must be 7d at most/],
      [['rotate', 'nothing'], /There is no key "nothing"/],
      [['revoke', 'stated'], /"stated" is stated in spec\.apiKeys of Organization acme/],
    ] as const) {
      const { code, stdout, stderr } = await run(...args);
      assert.deepEqual([code, stdout], [1, ''], args.join(' '));
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /);
    }
    const { keys } = JSON.parse(await make('list', '--output', 'json'));
    assert.deepEqual(
      keys.map(({ name }: { name: string }) => name),
      ['stated', 'website'],
    );
  });
});
