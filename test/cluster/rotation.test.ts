import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { importJWK, SignJWT } from 'jose';
import { Client } from 'pg';
import type { ProxyProcess } from '../../cli/local/proxies.ts';
import { statePaths } from '../../cli/local/state.ts';
import { signToken } from '../../cli/token.ts';
import { openContents } from '../../database/contents.ts';
import { makeEnvelope } from '../../database/envelope.ts';
import { readCredentialsSecret, readSigningKeys } from '../../operator/credentials.ts';
import { ownIssuer } from '../../proxy/calls/identify/tokens/own-token.ts';
import { startSandbox } from '../../sandbox/server.ts';
import { makeDirectory } from '../directories.ts';
import { HeldClock } from '../held-clock.ts';
import { startProxy } from '../proxy-process.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { makeMounter, toSecret } from './mounted-secrets.ts';
import { binding, decode, organization, persona, secret } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const propagationMs = 2_000;

describe('under a steady stream of calls', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let proxy: ProxyProcess;
  let data: string;
  const clock = new HeldClock();

  before(async () => {
    stage = await setStage(scope);
    const { hands } = stage;
    await stage.startOperator({ propagationMs, now: clock.read });
    await hands.create('Organization', 'acme', organization());
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-sandbox' }));
    await hands.create('Persona', 'web/support', persona());
    await hands.create('ApiKeyBinding', 'web/openai', binding());
    await hands.untilReason('Persona', 'web/support', 'Ready');
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'Ready');
    const sandbox = await startSandbox();
    scope.after(sandbox.close);
    data = await makeDirectory(scope);
    const mounted = await keepMounted(stage, data);
    scope.after(mounted.stop);
    proxy = await startProxy(scope, {
      credentialsDirectory: join(statePaths(data).secrets, 'web', 'chaperone-acme'),
      upstreamUrl: sandbox.url,
    });
  });

  const credentials = async () => {
    const found = readCredentialsSecret(toSecret(await stage.hands.find('Secret', `${governance}/chaperone-acme`)));
    assert.ok(found);
    return found;
  };

  const signingKeys = async () =>
    readSigningKeys(toSecret(await stage.hands.find('Secret', `${governance}/chaperone-acme-signing-keys`)));
  /** A token of the key that is handed out and not used yet. */
  const signWithNext = async (organizationId: string) => {
    const next = (await signingKeys()).at(-1);
    assert.ok(next?.kid);
    return new SignJWT({ sub: organizationId })
      .setProtectedHeader({ alg: 'EdDSA', kid: next.kid })
      .setIssuer(ownIssuer)
      .setAudience(organizationId)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(await importJWK(next, 'EdDSA'));
  };
  const listPersonas = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'bob' };
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/v1/personas`, { headers });
    await answer.text();
    return answer.status;
  };

  test('every key and the password is replaced: no call fails, and none is lost', async (t) => {
    const first = await credentials();
    const personaId = (await stage.hands.find('Persona', 'web/support'))?.status?.id;
    const syntheticKey = decode(await stage.hands.find('Secret', 'web/openai-synthetic-key'), 'api-key');
    const tokenOfFirst = await signToken({ organization: 'acme', data });
    const makeToken = [
      async () => tokenOfFirst,
      async () => syntheticKey,
      () => signToken({ organization: 'acme', data }),
    ];
    const calls = keepCalling(t, async (number) => {
      const token = await makeToken[number % makeToken.length]?.();
      const answer = await fetch(`http://127.0.0.1:${proxy.port}/v1/responses`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'x-user-id': 'bob', 'x-session-id': `call-${number}` },
        body: JSON.stringify({
          model: 'gpt-4o',
          input: `Hello ${number}`,
          ...(number % 2 && { persona_id: personaId }),
        }),
      });
      const text = await answer.text();
      return answer.status === 200 ? undefined : `${answer.status} ${text}`;
    });
    await calls.untilMore(20);

    // What was issued in the very second that the annotation names is not replaced.
    clock.advance(1_000);
    const rotate = new Date(clock.read()).toISOString();
    await stage.hands.change('Organization', 'acme', { metadata: { annotations: { 'chaperone.dev/rotate': rotate } } });
    const second = await until(async () => {
      const now = await credentials();
      return now.databaseUrl !== first.databaseUrl && now;
    }, 'another password');
    assert.equal(second.dataKeys.current, first.dataKeys.current, 'a new key is handed out before it is used');
    const next = await signWithNext(second.organization.id);
    await until(async () => (await listPersonas(next)) === 200, 'the proxy to know the new keys');
    await calls.untilMore(20);
    assert.equal((await credentials()).dataKeys.current, first.dataKeys.current);

    clock.advance(propagationMs);
    const last = await until(async () => {
      const now = await credentials();
      return now.dataKeys.current !== first.dataKeys.current && now;
    }, 'another data key');
    const [signing] = await signingKeys();
    assert.ok(signing?.kid !== first.jwks.keys[0]?.kid);
    const sealedWith = async () => {
      const { rows } = await stage.db.query<{ id: string }>(
        `select distinct encode(substr(contents_encrypted, 3, get_byte(contents_encrypted, 1)), 'escape') as id
         from chaperone.request_contents`,
      );
      return rows.map(({ id }) => id).sort();
    };
    await until(async () => (await sealedWith()).includes(last.dataKeys.current), 'contents under the new key');
    await endSessions(stage, first.organization.id);
    await calls.untilMore(40);
    const { made, failures } = await calls.stop();
    t.diagnostic(`${made} calls`);
    assert.deepEqual(failures, []);

    const { rows } = await until(async () => {
      const found = await stage.db.query<{ session_id: string; status: string; sealed: Buffer; request_id: string }>(
        `select r.session_id, r.status, r.request_id, c.contents_encrypted as sealed
         from chaperone.requests r join chaperone.request_contents c using (organization_id, request_id, started_at)`,
      );
      return found.rows.length >= made && found;
    }, 'the records');
    assert.deepEqual([rows.length, new Set(rows.map(({ session_id }) => session_id)).size], [made, made]);
    const envelope = makeEnvelope(last.dataKeys);
    for (const { session_id, status, sealed, request_id: requestId } of rows) {
      assert.equal(status, 'completed');
      const { input } = openContents(envelope, { organizationId: last.organization.id, requestId }, sealed);
      assert.match(input.toString(), new RegExp(`Hello ${session_id.replace('call-', '')}"`));
    }
    assert.deepEqual(await sealedWith(), [first.dataKeys.current, last.dataKeys.current].sort());
  });
});

/** Does what a kubelet does: brings each Secret to its directory, some time after it has changed. */
async function keepMounted(stage: Stage, data: string): Promise<{ stop(): Promise<void> }> {
  const mount = makeMounter(stage, data);
  let isStopped = false;
  const run = async () => {
    while (!isStopped) {
      await delay(500);
      await mount();
    }
  };
  await mount();
  const running = run();
  return {
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

/** Has the proxy log in anew, which only the new password lets it. */
async function endSessions({ superuserUrl, databaseUrl }: Stage, organizationId: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl ?? databaseUrl });
  await client.connect();
  const role = `chaperone_org_${organizationId.replaceAll('-', '')}`;
  const { rowCount } = await client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    role,
  ]);
  await client.end();
  assert.ok(rowCount, 'the proxy had no session');
}

/** Makes one call after another, some at once, until stopped. @param call resolves with what was wrong, if anything */
function keepCalling(t: TestContext, call: (number: number) => Promise<string | undefined>) {
  const failures: string[] = [];
  let [begun, made] = [0, 0];
  let isStopped = false;
  const work = async () => {
    while (!isStopped) {
      const failure = await call(begun++).catch(String);
      made += 1;
      if (failure !== undefined) failures.push(failure);
      await delay(30);
    }
  };
  const working = Promise.all([work(), work(), work()]);
  const stop = async () => {
    isStopped = true;
    await working;
    return { made, failures };
  };
  atEnd(t, stop);
  return {
    stop,
    untilMore(count: number) {
      const enough = made + count;
      return until(() => made >= enough, `${count} more calls`);
    },
  };
}
