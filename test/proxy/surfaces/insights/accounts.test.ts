import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Client } from 'pg';
import { hashPassword } from '../../../../database/password-hash.ts';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { accountOf, type Insights, setSpec, startInsights, stateHashes } from './insights-stack.ts';

const [annsPassword, bobsPassword] = ['correct horse battery staple', 'bob’s secret'];
const ann = 'ann@example.com';
const bob = 'bob@example.com';
const accounts = [accountOf(ann, 'ann', ['analyst']), accountOf(bob, 'bob')];

/** Accounts of contract 3, through the front door. Each test is another client, by its address. */
describe('accounts', () => {
  const scope = suiteScope();
  let insights: Insights;
  let db: Client;
  let hashes: Readonly<Record<string, string>>;
  let addresses = 0;
  before(async () => {
    hashes = { ann: await hashPassword(annsPassword), bob: await hashPassword(bobsPassword) };
    const spec = {
      'authentication.accounts': accounts,
      'authentication.defaultRoles': ['member'],
      'publicApi.trustedProxies': ['127.0.0.0/8'],
    };
    insights = await startInsights(scope, spec, { prepare: (directory) => stateHashes(directory, hashes) });
    db = await connect(scope, insights.stack.database.url);
  });
  const newAddress = () => {
    addresses += 1;
    return `198.51.100.${addresses}`;
  };
  const logIn = (username: string, password: string, from = newAddress()) =>
    insights.ask('POST', '/auth/login', { username, password }, { token: null, headers: { 'x-forwarded-for': from } });
  const refresh = (refresh_token: string) =>
    insights.ask(
      'POST',
      '/auth/refresh',
      { refresh_token },
      { token: null, headers: { 'x-forwarded-for': newAddress() } },
    );
  const logOut = (token: string) => insights.ask('POST', '/auth/logout', undefined, { token });
  /** What a token opens: `whoami` of another surface. */
  const statusWith = async (token: string, path = '/v1/users') => {
    const answer = await fetch(new URL(path, insights.stack.baseUrl), {
      headers: { authorization: `Bearer ${token}` },
    });
    await answer.body?.cancel();
    return answer.status;
  };

  it('give a token with the account’s user and roles, which opens every surface', async () => {
    const { status, body, headers } = await logIn(ann, annsPassword);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.error, body.status_code], [false, 200]);
    assert.match(body.timestamp, /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual([body.data.user_id, body.data.roles], [ann, ['analyst']]);
    assert.equal(decodeProtectedHeader(body.data.token).alg, 'EdDSA');
    const { sub, roles, iat = 0, exp = 0 } = decodeJwt(body.data.token);
    assert.deepEqual([sub, roles, exp - iat], [ann, ['analyst'], 3_600]);
    assert.equal(await statusWith(body.data.token), 200, 'an analyst lists users');
    assert.equal(await statusWith(body.data.token, '/v1/keys'), 403, 'an analyst lists no keys');
    const call = await fetch(new URL('/v1/chat/completions', insights.stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${body.data.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] }),
    });
    assert.equal(call.status, 200);
    await call.body?.cancel();
    for (const name of ['limit', 'remaining', 'reset']) assert.ok(headers.has(`x-rate-limit-${name}`), name);
  });

  it('without roles have those of the organization', async () => {
    const { body } = await logIn(bob, bobsPassword);
    assert.deepEqual(body.data.roles, ['member']);
    assert.equal(await statusWith(body.data.token), 403);
  });

  it('answer the same to an unknown account and to a wrong password', async () => {
    const shown = async (username: string, password: string) => {
      const { status, body } = await logIn(username, password);
      const { timestamp: _, ...rest } = body;
      return { status, ...rest };
    };
    const wrong = await shown(ann, 'wrong');
    assert.deepEqual(wrong, await shown('nobody@example.com', 'wrong'));
    assert.deepEqual(wrong, await shown('nobody@example.com', annsPassword));
    assert.deepEqual(wrong, await shown(ann, bobsPassword));
    assert.deepEqual([wrong.status, wrong.error, wrong.code], [401, true, 'invalid_credentials']);
    await until(async () => (await logIn(ann, annsPassword)).status === 200, 'the account to be open');
  });

  it('take as long for an unknown account as for a wrong password', async () => {
    const time = async (username: string) => {
      const startedAt = performance.now();
      assert.equal((await logIn(username, 'wrong')).status, 401);
      return performance.now() - startedAt;
    };
    const [known, unknown]: number[][] = [[], []];
    for (let round = 0; round < 9; round += 1) {
      known?.push(await time(ann));
      unknown?.push(await time(`nobody-${round}@example.com`));
    }
    const median = (all: readonly number[] = []) => all.toSorted((a, b) => a - b)[4] ?? Number.NaN;
    const ratio = median(known) / median(unknown);
    assert.ok(ratio > 0.5 && ratio < 2, `${median(known)} ms and ${median(unknown)} ms`);
    await logIn(ann, annsPassword);
  });

  it('are locked after some failures from an address, longer each time, and not for others', async () => {
    const from = newAddress();
    for (let failures = 0; failures < 6; failures += 1) assert.equal((await logIn(bob, 'wrong', from)).status, 401);
    const locked = await logIn(bob, bobsPassword, from);
    assert.deepEqual([locked.status, locked.body.code], [429, 'limit_reached']);
    const wait = Number(locked.headers.get('retry-after'));
    assert.ok(wait > 20 && wait <= 30, String(wait));
    assert.equal((await logIn(bob, bobsPassword)).status, 200, 'from elsewhere');
    // As if the time had passed.
    const pass = () => db.query(`update chaperone.login_attempts set locked_until = now() where locked_until > now()`);
    await pass();
    assert.equal((await logIn(bob, 'wrong', from)).status, 401);
    const again = Number((await logIn(bob, bobsPassword, from)).headers.get('retry-after'));
    assert.ok(again > 50 && again <= 60, String(again));
    await pass();
    assert.equal((await logIn(bob, bobsPassword, from)).status, 200);
    assert.equal((await logIn(bob, 'wrong', from)).status, 401, 'a success forgives');
    assert.equal((await logIn(bob, bobsPassword, from)).status, 200);
  });

  it('lock an address that guesses names', async () => {
    const from = newAddress();
    const codes: string[] = [];
    for (let guess = 0; guess < 33; guess += 1) codes.push((await logIn(`guess-${guess}`, 'x', from)).body.code);
    assert.deepEqual([...new Set(codes)], ['invalid_credentials', 'limit_reached']);
    assert.equal((await logIn(ann, annsPassword, from)).status, 429);
    assert.equal((await logIn(ann, annsPassword)).status, 200);
  });

  it('many attempts at the same time count, too', async () => {
    const from = newAddress();
    const answers = await Promise.all(Array.from({ length: 18 }, () => logIn('carl@example.com', 'x', from)));
    const looked = answers.filter(({ status }) => status === 401).length;
    assert.ok(looked <= 6, `${looked} guesses`);
  });

  it('are refreshed, each time with another refresh token', async () => {
    const { body } = await logIn(ann, annsPassword);
    const next = await refresh(body.data.refresh_token);
    assert.equal(next.status, 200, JSON.stringify(next.body));
    assert.notEqual(next.body.data.refresh_token, body.data.refresh_token);
    assert.equal(next.body.data.refresh_expires_at, body.data.refresh_expires_at);
    assert.equal(await statusWith(next.body.data.token), 200);
    assert.equal(await statusWith(body.data.token), 200, 'the former token lives until it expires');
    assert.equal((await refresh('rt_x')).status, 401);
    assert.equal((await refresh(next.body.data.refresh_token.replace(/.{6}$/, 'aaaaaa'))).status, 401);
    assert.equal((await refresh(next.body.data.refresh_token)).status, 200);
  });

  it('end where a refresh token is used twice', async () => {
    const { body } = await logIn(ann, annsPassword);
    const next = await refresh(body.data.refresh_token);
    assert.equal((await refresh(body.data.refresh_token)).status, 401, 'a lost answer');
    const third = await refresh(next.body.data.refresh_token);
    assert.equal(third.status, 200, 'within some seconds, nothing ends');
    await db.query(`update chaperone.logins set refreshed_at = refreshed_at - interval '1 minute'`);
    assert.equal((await refresh(next.body.data.refresh_token)).status, 401);
    assert.equal((await refresh(third.body.data.refresh_token)).status, 401);
    await until(async () => (await statusWith(third.body.data.token)) === 401, 'its tokens to be revoked');
  });

  it('log out: no token of the login is good any more', async () => {
    const { body } = await logIn(ann, annsPassword);
    const next = await refresh(body.data.refresh_token);
    const out = await logOut(next.body.data.token);
    assert.deepEqual([out.status, out.body.data], [200, { logged_out: true }]);
    assert.equal(await statusWith(next.body.data.token), 401);
    assert.equal(await statusWith(body.data.token), 401);
    assert.equal((await refresh(next.body.data.refresh_token)).status, 401);
    const without = await logOut(insights.stack.token);
    assert.deepEqual([without.status, without.body.code], [400, 'invalid_request']);
  });

  it('are in the audit log, with who logged in and out', async () => {
    const { body } = await logIn(ann, annsPassword);
    await logOut(body.data.token);
    const loginId = String(decodeJwt(body.data.token).sid);
    const { rows } = await db.query<{ entry: { action: string; actor: { user: string } } }>(
      `select entry::jsonb as entry from chaperone.audit_log where entry::jsonb ->> 'subject' = $1 order by seq`,
      [`Login/${loginId}`],
    );
    assert.deepEqual(
      rows.map(({ entry }) => entry.action),
      ['created', 'deleted'],
    );
    assert.ok(
      rows.every(({ entry }) => !JSON.stringify(entry).includes(ann)),
      'by pseudonym',
    );
  });

  it('say of each field what is wrong', async () => {
    const ask = (body: unknown) =>
      insights.ask('POST', '/auth/login', body, { token: null, headers: { 'x-forwarded-for': newAddress() } });
    const { status, body } = await ask({ password: 5, more: true });
    assert.equal(status, 400);
    assert.equal(body.message, 'Validation error');
    assert.deepEqual(body.details, {
      username: 'Field is required',
      more: 'Field is not a known field',
      password: 'Field must be a string',
    });
    assert.equal((await ask('{')).body.code, 'invalid_json');
    const nowhere = await insights.ask('GET', '/auth/nothing');
    assert.deepEqual([nowhere.status, nowhere.body.error, nowhere.body.code], [404, true, 'route_not_found']);
  });

  it('lose their tokens with another password or when they go, and roles as soon as they change', async () => {
    const { body } = await logIn(bob, bobsPassword);
    const { directory } = insights.stack;
    await setSpec(directory, { 'authentication.accounts': [accounts[0], accountOf(bob, 'bob', ['analyst'])] });
    await until(async () => (await statusWith(body.data.token)) === 200, 'the new role');
    await stateHashes(directory, { ...hashes, bob: await hashPassword('another') });
    await until(async () => (await logIn(bob, 'another')).status === 200, 'the new password');
    assert.equal((await refresh(body.data.refresh_token)).status, 401);
    await setSpec(directory, { 'authentication.accounts': [accounts[0]] });
    await until(async () => (await statusWith(body.data.token)) === 401, 'the account to go');
    await until(async () => (await logIn(bob, 'another')).status === 401, 'the password to go');
  });

  it('are served where spec.surfaces names insights', async () => {
    const { directory } = insights.stack;
    await setSpec(directory, { surfaces: ['responses'] });
    await until(async () => (await logIn(ann, annsPassword)).body.code === 'surface_not_allowed', 'the surface to go');
    await setSpec(directory, { surfaces: ['insights'] });
    await until(async () => (await logIn(ann, annsPassword)).status === 200, 'the surface to come back');
  });
});
