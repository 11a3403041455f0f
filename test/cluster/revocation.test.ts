import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { SignJWT } from 'jose';
import type { ProxyProcess } from '../../cli/local/proxies.ts';
import { statePaths } from '../../cli/local/state.ts';
import { signToken } from '../../cli/token.ts';
import { readSigningKeys } from '../../operator/credentials.ts';
import { makeDirectory } from '../directories.ts';
import { HeldClock } from '../held-clock.ts';
import { startProxy } from '../proxy-process.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { makeMounter, toSecret } from './mounted-secrets.ts';
import { binding, decode, organization, secret } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

describe('credentials that leaked, in a cluster', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let proxy: ProxyProcess;
  let data: string;
  /** What a kubelet does within a minute or two, when the test says so. */
  let mount: () => Promise<void>;
  const clock = new HeldClock();
  /** What the provider was called with last. */
  let providerKey: string | undefined;
  const upstream = createServer((request, response) => {
    providerKey = request.headers.authorization;
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end('{"data": []}');
  });

  before(async () => {
    stage = await setStage(scope);
    await stage.startOperator({ now: clock.read });
    await stage.hands.create('Organization', 'acme', organization());
    await stage.hands.untilReason('Organization', 'acme', 'Ready');
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    scope.after(async () => void upstream.close());
    data = await makeDirectory(scope);
    mount = makeMounter(stage, data);
    await mount();
    proxy = await startProxy(scope, {
      credentialsDirectory: join(statePaths(data).secrets, 'web', 'chaperone-acme'),
      upstreamUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`,
    });
  });

  const ask = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'bob' };
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/v1/personas`, { headers });
    await answer.text();
    return answer.status;
  };
  const untilRefused = (token: string) => until(async () => (await ask(token)) === 401, 'the token to be refused');
  const sign = (user?: string) => signToken({ organization: 'acme', data, ...(user !== undefined && { user }) });

  test('a user’s tokens are revoked from within the operator’s pod', async () => {
    const [leaked, other] = [await sign('bob'), await sign()];
    assert.deepEqual([await ask(leaked), await ask(other)], [200, 200]);
    const url = join(data, 'database-url');
    await writeFile(url, stage.databaseUrl);
    const where = ['--organization', 'acme', '--database-url-file', url];
    const { code, stdout } = await runCli(['token', 'revoke', ...where, '--user', 'bob']);
    assert.equal(code, 0);
    assert.match(stdout, /^Revoked in organization "acme": the tokens of bob issued before \d{4}-.*Z\.\n$/);
    await untilRefused(leaked);
    assert.deepEqual([await ask(await sign('bob')), await ask(other)], [200, 200]);
  });

  test('an emergency rotation refuses the old key’s tokens before any Secret is mounted again', async () => {
    const leaked = await sign();
    assert.equal(await ask(leaked), 200);
    const sessions = async () => {
      const { rows } = await stage.db.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and usename like 'chaperone_org_%'`,
      );
      return rows.map(({ pid }) => pid);
    };
    const old = await sessions();
    assert.ok(old.length > 0);
    clock.advance(1_000);
    const now = new Date(clock.read()).toISOString();
    await stage.hands.change('Organization', 'acme', {
      metadata: { annotations: { 'chaperone.dev/rotate-now': now } },
    });
    await untilRefused(leaked);
    const signingKeys = async () =>
      readSigningKeys(toSecret(await stage.hands.find('Secret', `${governance}/chaperone-acme-signing-keys`)));
    await until(async () => (await sessions()).every((pid) => !old.includes(pid)), 'the old sessions to end');
    assert.equal((await signingKeys()).length, 1);
    await mount();
    const fresh = await sign();
    await until(async () => (await ask(fresh)) === 200, 'the proxy to know the new key');
    assert.equal(await ask(leaked), 401);
  });

  test('a synthetic key is replaced where its Secret is deleted', async () => {
    const { hands } = stage;
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-old' }));
    await hands.create('ApiKeyBinding', 'web/openai', binding());
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'Ready');
    const read = async () => {
      const found = await hands.find('Secret', 'web/openai-synthetic-key');
      return found && decode(found, 'api-key');
    };
    const leaked = await read();
    assert.ok(leaked);
    await until(async () => (await ask(leaked)) === 200, 'the synthetic key to be in force');
    await hands.remove('Secret', 'web/openai-synthetic-key');
    await untilRefused(leaked);
    const fresh = await until(read, 'another synthetic key');
    assert.equal(await ask(fresh), 200);
  });

  test('a provider key is replaced where its Secret is changed', async () => {
    const call = async () => {
      const headers = { authorization: `Bearer ${await sign()}`, 'x-user-id': 'bob' };
      const body = JSON.stringify({ model: 'text-embedding-3-small', input: 'Hi' });
      const answer = await fetch(`http://127.0.0.1:${proxy.port}/v1/embeddings`, { method: 'POST', headers, body });
      await answer.text();
      return providerKey;
    };
    assert.equal(await call(), 'Bearer sk-old');
    await stage.hands.change('Secret', 'web/openai', { stringData: { key: 'sk-new' } });
    await until(async () => (await call()) === 'Bearer sk-new', 'the new key');
  });

  test('a shared secret is replaced where its Secret is changed, once the change is mounted', async () => {
    const labels = { 'chaperone.dev/shared-secret-of': 'acme' };
    await stage.hands.create('Secret', `${governance}/legacy`, secret({ key: 'x'.repeat(40) }), { labels });
    const sharedSecretRef = { name: 'legacy', key: 'key' };
    await stage.hands.change('Organization', 'acme', { spec: { authentication: { sharedSecretRef } } });
    const signShared = (text: string) =>
      new SignJWT({ sub: 'bob' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(Buffer.from(text));
    const [leaked, fresh] = [await signShared('x'.repeat(40)), await signShared('y'.repeat(40))];
    const untilMounted = (token: string) =>
      until(async () => {
        await mount();
        return (await ask(token)) === 200;
      }, 'the secret to be in force');
    await untilMounted(leaked);
    await stage.hands.change('Secret', `${governance}/legacy`, { stringData: { key: 'y'.repeat(40) } });
    await untilMounted(fresh);
    assert.equal(await ask(leaked), 401);
  });

  test('an invalid time is reported, and rotates nothing', async () => {
    const before = await stage.hands.find('Secret', `${governance}/chaperone-acme-signing-keys`);
    const annotations = { 'chaperone.dev/rotate-now': 'now' };
    await stage.hands.change('Organization', 'acme', { metadata: { annotations } });
    await stage.hands.untilReason('Organization', 'acme', 'RotationNotUnderstood');
    const after = await stage.hands.find('Secret', `${governance}/chaperone-acme-signing-keys`);
    assert.deepEqual(after?.data, before?.data);
  });
});
