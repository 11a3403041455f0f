import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { replaceFile } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

import {
  type IdentityProvider,
  makeSigner,
  type Signer,
  startIdentityProvider,
} from './calls/identify/tokens/identity-provider.ts';

describe('an OpenID Connect issuer of an organization', () => {
  const scope = suiteScope();
  let stack: Stack;
  let provider: IdentityProvider;
  /** One that was never there. */
  let away: IdentityProvider;
  let signer: Signer;
  before(async () => {
    signer = await makeSigner('one', 'ES384');
    provider = await startIdentityProvider(scope, [signer.jwk]);
    away = await startIdentityProvider(scope, []);
    away.keys = undefined;
    const issuers = [provider, away].map(({ url }) => ({
      ...{ issuer: url, audiences: ['us'], jwksUri: `${url}/keys`, userClaim: 'email' },
    }));
    stack = await startStack(scope, { authentication: { issuers } });
  });

  const token = (changes: object = {}, by = signer) => {
    const claims = {
      iss: provider.url,
      aud: 'us',
      email: 'ada@example.com',
      exp: Math.floor(Date.now() / 1_000) + 600,
    };
    return by.sign({ ...claims, ...changes });
  };
  const ask = async (credential: string, path = '/personas') => {
    const headers = { 'x-api-key': credential };
    const answer = await fetch(`${stack.baseUrl}${path}`, { headers });
    const { error } = (await answer.json()) as { error?: { code: string } };
    return [answer.status, error?.code];
  };
  const metrics = () => fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`).then((answer) => answer.text());

  it('cannot name a user by an unverified address, and the log says so', async () => {
    assert.deepEqual(await ask(await token()), [200, undefined]);
    assert.deepEqual(await ask(await token({ email_verified: false })), [401, 'invalid_credentials']);
    await until(() => stack.log().includes('The issuer has not verified the email address'), 'the log');
  });

  it('makes members by tokens without roles', async () => {
    assert.deepEqual(await ask(await token(), '/users'), [403, 'role_required']);
    assert.deepEqual(await ask(await token({ roles: ['admin'] }), '/users'), [200, undefined]);
  });

  it('is trusted while it cannot be reached, also after an edit', async () => {
    const seen = await token();
    assert.deepEqual(await ask(seen), [200, undefined]);
    provider.keys = undefined;
    const file = join(stack.directory, 'organization.yaml');
    const before = /chaperone_snapshot_version\{[^}]*\} (\d+)/.exec(await metrics())?.[1];
    await replaceFile(file, (await readFile(file, 'utf8')).replace('Acme Corporation', 'Acme & Sons'));
    await until(
      async () => /chaperone_snapshot_version\{[^}]*\} (\d+)/.exec(await metrics())?.[1] !== before,
      'the edit',
    );
    assert.deepEqual(await ask(seen), [200, undefined]);
    assert.deepEqual(await ask(await token({ email: 'bob@example.com' })), [200, undefined]);
  });

  it('whose keys cannot be fetched causes a 503, which is logged and counted', async () => {
    assert.deepEqual(await ask(await token({ iss: away.url })), [503, 'issuer_unavailable']);
    const counted = `chaperone_issuer_key_fetches_total{issuer="${away.url}",outcome="failure",organization="acme"} 1`;
    assert.ok((await metrics()).includes(counted));
    assert.ok(stack.log().includes('the issuer’s keys cannot be had'));
  });
});
