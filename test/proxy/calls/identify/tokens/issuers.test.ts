import assert from 'node:assert/strict';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { makeAuthenticators, type TokenRules } from '../../../../../proxy/calls/identify/authenticate.ts';
import { makeIssuers } from '../../../../../proxy/calls/identify/tokens/issuers.ts';
import { makeSnapshot, organizationId } from '../../../snapshot.ts';
import { fetchKeySet, silent } from './authenticator.ts';
import { type IdentityProvider, makeSigner, type Signer, startIdentityProvider } from './identity-provider.ts';

const minuteMs = 60_000;
const nowS = Math.floor(Date.now() / 1_000);
const first = await makeSigner('first');
const second = await makeSigner('second');

describe('an issuer', () => {
  let provider: IdentityProvider;
  let rules: TokenRules;
  let outcomes: string[];
  let log: object[];
  let authenticatorOf: ReturnType<typeof makeAuthenticators>;
  beforeEach(async (t) => {
    assert.ok('after' in t);
    provider = await startIdentityProvider(t as TestContext, [first.jwk]);
    const issuer = { issuer: provider.url, audiences: ['us'], jwksUri: `${provider.url}/keys`, userClaim: 'sub' };
    rules = { jwks: { keys: [] }, issuers: [issuer] };
    outcomes = [];
    log = [];
    const logger = { warn: (facts: object) => void log.push(facts), info: () => {} };
    const issuers = makeIssuers({ fetchKeySet, log: logger, onFetch: (_, outcome) => outcomes.push(outcome) });
    authenticatorOf = makeAuthenticators({ organizationId, issuers, log: silent });
  });

  const claims = (changes: object = {}) => ({
    iss: provider.url,
    aud: 'us',
    sub: 'ada',
    exp: nowS + 86_400 * 3,
    ...changes,
  });
  const ask = async (token: string, by = rules) =>
    (await authenticatorOf(by).authenticate({ authorization: `Bearer ${token}` }, makeSnapshot())).user;
  const isUnavailable = { code: 'issuer_unavailable', status: 503 };
  const isRefused = { code: 'invalid_credentials', status: 401 };
  const tokenOf = (signer: Signer, header?: object) => signer.sign(claims(), header);
  /** Sets the clock forward. */
  const pass = (t: TestContext, ms: number) => {
    const now = Date.now() + ms;
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ['Date'], now });
  };

  test('that cannot be reached is still trusted by its known keys, also after an edit', async () => {
    const token = await tokenOf(first);
    assert.equal(await ask(token), 'ada');
    provider.keys = undefined;
    assert.equal(await ask(token, { ...rules, leeway: '10s' }), 'ada');
    assert.equal(await ask(await first.sign(claims({ sub: 'bob' })), { ...rules, leeway: '20s' }), 'bob');
    assert.equal(provider.asked, 1);
  });

  test('whose keys were never fetched is unavailable, and accepted once they are fetched', async (t) => {
    provider.keys = undefined;
    const token = await tokenOf(first);
    await assert.rejects(ask(token), isUnavailable);
    assert.deepEqual(outcomes, ['failure']);
    assert.deepEqual(
      log.map((facts) => 'issuer' in facts && facts.issuer),
      [provider.url],
    );
    provider.keys = [first.jwk];
    pass(t, 2_000);
    assert.equal(await ask(token), 'ada');
    assert.deepEqual(outcomes, ['failure', 'success']);
  });

  test('that cannot be reached is unavailable for an unknown key, and asked at most every two seconds', async (t) => {
    assert.equal(await ask(await tokenOf(first)), 'ada');
    provider.keys = undefined;
    pass(t, 30_000);
    for (let count = 0; count < 3; count += 1) await assert.rejects(ask(await tokenOf(second)), isUnavailable);
    assert.equal(provider.asked, 2);
    assert.equal(await ask(await tokenOf(first)), 'ada');
    provider.keys = [first.jwk, second.jwk];
    pass(t, 2_000);
    assert.equal(await ask(await tokenOf(second)), 'ada');
  });

  test('that can be reached is asked at most every 30 s for unknown keys, which anybody can make up', async (t) => {
    for (let count = 0; count < 3; count += 1) await assert.rejects(ask(await tokenOf(second)), isRefused);
    assert.equal(provider.asked, 1);
    pass(t, 30_000);
    await assert.rejects(ask(await tokenOf(second)), isRefused);
    assert.equal(provider.asked, 2);
  });

  test('that withdraws a key is obeyed within ten minutes, also for tokens that were verified before', async (t) => {
    const token = await tokenOf(first);
    assert.equal(await ask(token), 'ada');
    provider.keys = [second.jwk];
    pass(t, 9 * minuteMs);
    assert.equal(await ask(token), 'ada');
    pass(t, minuteMs);
    // Whoever comes first is not made to wait.
    assert.equal(await ask(token), 'ada');
    await assert.rejects(async () => {
      for (;;) {
        await ask(token);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }, isRefused);
  });

  test('that could not be reached for a day is no longer trusted', async (t) => {
    const token = await tokenOf(first);
    assert.equal(await ask(token), 'ada');
    provider.keys = undefined;
    pass(t, (24 * 60 - 1) * minuteMs);
    assert.equal(await ask(token), 'ada');
    pass(t, 2 * minuteMs);
    await assert.rejects(ask(token), isUnavailable);
  });

  test('may sign without naming the key, even with a new key', async (t) => {
    assert.equal(await ask(await tokenOf(first, {})), 'ada');
    provider.keys = [first.jwk, second.jwk];
    pass(t, 30_000);
    assert.equal(await ask(await tokenOf(second, {})), 'ada');
    assert.equal(provider.asked, 2);
  });

  test('has at most eight of its keys tried for a token', async () => {
    const others = await Promise.all(Array.from({ length: 8 }, (_, index) => makeSigner(`other-${index}`, 'ES256')));
    const ninth = await makeSigner('ninth', 'ES256');
    provider.keys = [...others, ninth].map(({ jwk }) => jwk);
    const [, , , , , , , eighth] = others;
    assert.ok(eighth);
    assert.equal(await ask(await tokenOf(eighth, {})), 'ada');
    await assert.rejects(ask(await tokenOf(ninth, {})), isRefused);
    assert.equal(await ask(await tokenOf(ninth)), 'ada');
  });

  test('has its unusable keys named in the log', async () => {
    const secret = { kty: 'oct', kid: 'secret', k: 'AAAA' };
    const encryption = { ...second.jwk, kid: 'encryption', use: 'enc' };
    provider.keys = [
      first.jwk,
      secret,
      encryption,
      { kty: 'EC', crv: 'secp256k1', kid: 'bitcoin', alg: 'ES256K' },
      { kty: 'OKP', crv: 'Ed448', kid: 'goldilocks' },
    ];
    assert.equal(await ask(await tokenOf(first)), 'ada');
    assert.deepEqual(log, [{ issuer: provider.url, keys: ['bitcoin (EC, ES256K)', 'goldilocks (OKP, Ed448)'] }]);
  });

  test('is forgotten once no rule names it', async () => {
    const token = await tokenOf(first);
    assert.equal(await ask(token), 'ada');
    await assert.rejects(ask(token, { jwks: { keys: [] } }), isRefused);
    provider.keys = undefined;
    await assert.rejects(ask(token), isUnavailable);
  });

  test('keeps its verified tokens as long as the rules stay the same', () => {
    const authenticator = authenticatorOf(rules);
    assert.equal(authenticatorOf(structuredClone(rules)), authenticator);
    assert.notEqual(authenticatorOf({ ...rules, leeway: '1s' }), authenticator);
  });
});
