import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { syntheticKeySecretName } from '../../operator/credentials.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';

describe('an Organization that states no roles', () => {
  const scope = suiteScope();
  let stack: Stack;
  before(async () => {
    stack = await startStack(scope, { authentication: {} });
  });

  const ask = async (credential: string, method: string, path: string) => {
    const headers = { authorization: `Bearer ${credential}`, 'x-user-id': 'mallory' };
    const answer = await fetch(`${stack.baseUrl}${path}`, { method, headers });
    const { error } = (await answer.json()) as { error?: { code: string } };
    return [answer.status, error?.code];
  };
  /** The one that injection puts into every container. */
  const syntheticKey = () =>
    readFile(
      join(stack.credentialsDirectory, '../../default', syntheticKeySecretName('openai-shared'), 'api-key'),
      'utf8',
    );

  const credentials = { 'a token without roles': async () => stack.token, 'a synthetic key': syntheticKey };
  for (const [what, read] of Object.entries(credentials)) {
    it(`makes ${what} a member, who cannot list, erase or deactivate users`, async () => {
      const credential = await read();
      assert.deepEqual(await ask(credential, 'GET', '/personas'), [200, undefined]);
      assert.deepEqual(await ask(credential, 'GET', '/users'), [403, 'role_required']);
      assert.deepEqual(await ask(credential, 'POST', '/users/ada/erase'), [403, 'role_required']);
      assert.deepEqual(await ask(credential, 'DELETE', '/users/ada'), [403, 'role_required']);
    });
  }

  it('makes a token with the role admin an admin', async () => {
    assert.deepEqual(await ask(await stack.sign({ roles: ['admin'] }), 'GET', '/users'), [200, undefined]);
  });
});
