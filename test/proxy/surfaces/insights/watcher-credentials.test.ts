import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { statePaths } from '../../../../cli/local/state.ts';
import { signToken } from '../../../../cli/token.ts';
import { hashPassword } from '../../../../database/password-hash.ts';
import { syntheticKeySecretName } from '../../../../operator/credentials.ts';
import { replaceFile } from '../../../directories.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { accountOf, type Insights, setSpec, startInsights, stateHashes } from './insights-stack.ts';

const [annsPassword, bobsPassword] = ['correct horse battery staple', 'bob’s own secret'];
const ann = accountOf('ann@example.com', 'ann', ['analyst']);
const bob = accountOf('bob@example.com', 'bob', ['analyst']);
const alice = { name: 'openai-alice', own: /\n {2}name: openai-alice[\s\S]*$/ };

/** What lasts must end with the credential that opened it: `/websocket`, and the stream of an analysis. */
describe('the credential of who watches', () => {
  const scope = suiteScope();
  let insights: Insights;
  before(async () => {
    const hashes = { ann: await hashPassword(annsPassword), bob: await hashPassword(bobsPassword) };
    const spec = {
      'authentication.accounts': [ann, bob],
      'authentication.leeway': '0s',
      'authentication.bindingRoles': ['analyst'],
    };
    insights = await startInsights(scope, spec, {
      async prepare(directory) {
        await stateHashes(directory, hashes);
        const file = join(directory, 'keys.yaml');
        const keys = await readFile(file, 'utf8');
        await replaceFile(
          file,
          keys.replace('  user: alice@example.com\n', '  user: alice@example.com\n  roles: [analyst]\n'),
        );
      },
    });
  });
  /** Opens a session. @returns how it ends */
  const watch = async (credential: string): Promise<{ isOpen: () => boolean; end: Promise<[number, string]> }> => {
    const address = new URL('/websocket', insights.stack.baseUrl.replace(/^http/, 'ws'));
    const socket = new WebSocket(address, { headers: { authorization: `Bearer ${credential}` } });
    scope.after(() => socket.terminate());
    const end = new Promise<[number, string]>((resolve) => {
      socket.once('close', (code, reason) => resolve([code, String(reason)]));
    });
    await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject));
    return { isOpen: () => socket.readyState === WebSocket.OPEN, end };
  };
  const logIn = async (username: string, password: string): Promise<string> => {
    const { body } = await insights.ask('POST', '/auth/login', { username, password }, { token: null });
    return body.data.token;
  };
  const signFor = (expires: string) => {
    const data = join(insights.stack.stateDirectory, '..');
    assert.equal(statePaths(data).state, insights.stack.stateDirectory);
    return signToken({ organization: 'acme', data, user: 'eve', roles: ['admin'], expires });
  };
  const keysOf = async (method: string, path = '', body?: object) => {
    const answer = await fetch(new URL(`/v1/keys${path}`, insights.stack.baseUrl), {
      method,
      headers: {
        authorization: `Bearer ${insights.stack.token}`,
        'x-user-id': 'root',
        'content-type': 'application/json',
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as { id: string; key: string };
  };

  it('ends a session when it is revoked, logged out, removed, without its binding, or expired', async () => {
    const key = await keysOf('POST', '', { name: 'wall', type: 'secret', roles: ['analyst'] });
    const [annsToken, bobsToken] = [await logIn(ann.user, annsPassword), await logIn(bob.user, bobsPassword)];
    const { directory, credentialsDirectory } = insights.stack;
    const secret = join(credentialsDirectory, '../../default', syntheticKeySecretName(alice.name), 'api-key');
    const synthetic = await until(() => readFile(secret, 'utf8').catch(() => undefined), 'the synthetic key');
    const standing = await watch(insights.stack.token);
    const ofKey = await watch(key.key);
    const ofLogin = await watch(annsToken);
    const ofAccount = await watch(bobsToken);
    const ofBinding = await watch(synthetic);
    const expiring = await watch(await signFor('5s'));

    await keysOf('DELETE', `/${key.id}`);
    assert.deepEqual(await ofKey.end, [1008, 'invalid_credentials'], 'a key that is revoked');
    await insights.ask('POST', '/auth/logout', undefined, { token: annsToken });
    assert.deepEqual(await ofLogin.end, [1008, 'invalid_credentials'], 'an account that logs out');
    await setSpec(directory, { 'authentication.accounts': [ann] });
    assert.deepEqual(await ofAccount.end, [1008, 'invalid_credentials'], 'an account that is removed');
    const file = join(directory, 'keys.yaml');
    const keys = await readFile(file, 'utf8');
    await replaceFile(file, keys.slice(0, keys.lastIndexOf('---')));
    assert.deepEqual(await ofBinding.end, [1008, 'no_api_key'], 'a binding that is gone');
    assert.deepEqual(await expiring.end, [1008, 'invalid_credentials'], 'a token that has expired');
    assert.ok(standing.isOpen(), 'others go on');
  });

  it('ends the stream of an analysis', async () => {
    const call = await fetch(new URL('/v1/chat/completions', insights.stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${insights.stack.token}`, 'x-user-id': 'eve' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] }),
    });
    const place = { conversationId: call.headers.get('x-conversation-id'), branchId: call.headers.get('x-branch-id') };
    await call.body?.cancel();
    const token = await signFor('6s');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    // No worker is there, so it stays pending.
    await until(async () => {
      const body = JSON.stringify({ ...place, template: 'summary' });
      const asked = await fetch(new URL('/api/analyses', insights.stack.baseUrl), { method: 'POST', headers, body });
      await asked.body?.cancel();
      return asked.status < 300;
    }, 'the analysis');
    const path = `/api/analyses/${place.conversationId}/${place.branchId}/stream`;
    const stream = await fetch(new URL(path, insights.stack.baseUrl), { headers });
    assert.equal(stream.status, 200);
    const told = await stream.text();
    assert.match(told, /^event: status\n[\s\S]*event: error\ndata: \{"code":"invalid_credentials"/);
  });
});
