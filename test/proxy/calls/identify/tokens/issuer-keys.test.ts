import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { JSONWebKeySet, JWK } from 'jose';
import { type IssuerKeys, makeIssuerKeys, trustedMs } from '../../../../../proxy/calls/identify/tokens/issuer-keys.ts';

const secondMs = 1_000;
const minuteMs = 60_000;
const hint = { alg: 'EdDSA', kid: 'a' };
const unavailable = { code: 'issuer_unavailable', status: 503 };

const keySet = (...ids: string[]): JSONWebKeySet => ({
  keys: ids.map((kid) => ({ kty: 'OKP', crv: 'Ed25519', x: 'AA', kid })),
});

/** The keys of an issuer whose answers, and whose clock, the test gives. */
function startIssuer(t: TestContext) {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) });
  const requests: PromiseWithResolvers<JSONWebKeySet>[] = [];
  const outcomes: string[] = [];
  const log: string[] = [];
  const keys = makeIssuerKeys({
    issuer: 'https://issuer.example',
    log: {
      warn: (_: object, text?: string) => log.push(text ?? ''),
      info: (_: object, text?: string) => log.push(text ?? ''),
    },
    fetchKeySet() {
      const request = Promise.withResolvers<JSONWebKeySet>();
      requests.push(request);
      return request.promise;
    },
    onFetch: (outcome) => outcomes.push(outcome),
  });
  /** Answers the only open request. */
  const answer = async (result: JSONWebKeySet | Error) => {
    const request = requests.at(-1) ?? assert.fail('nobody asks');
    if (result instanceof Error) request.reject(result);
    else request.resolve(result);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = (ms: number) => t.mock.timers.tick(ms);
  return { keys, requests, outcomes, log, answer, pass };
}

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const waiting = {};
  const first = await Promise.race([promise.catch(() => {}), new Promise((resolve) => setImmediate(resolve, waiting))]);
  return first !== waiting;
}

const idsOf = async (keys: IssuerKeys, of = hint) => (await keys.candidates(of)).map(({ id }) => id);

/** An issuer whose keys are known. */
async function startKnown(t: TestContext, ...ids: string[]) {
  const issuer = startIssuer(t);
  const found = issuer.keys.candidates(hint);
  await issuer.answer(keySet(...(ids.length > 0 ? ids : ['a'])));
  await found;
  return issuer;
}

describe('the keys of an issuer', () => {
  test('are fetched once for all tokens that wait for them', async (t) => {
    const { keys, requests, answer, outcomes } = startIssuer(t);
    const waiting = [idsOf(keys), idsOf(keys), idsOf(keys, { alg: 'EdDSA', kid: 'b' }), keys.renew()];
    assert.equal(requests.length, 1);
    await answer(keySet('a', 'b'));
    assert.deepEqual(await Promise.all(waiting), [['a'], ['a'], ['b'], true]);
    assert.deepEqual([requests.length, outcomes], [1, ['success']]);
  });

  /** How long after an answer the next request may be made, for a key that is not among the known ones. */
  const pauses: readonly (readonly [after: string, result: JSONWebKeySet | Error, pauseMs: number])[] = [
    ['a key set', keySet('other'), 30 * secondMs],
    ['a failure', new Error('away'), 2 * secondMs],
  ];
  for (const [after, result, pauseMs] of pauses) {
    test(`are fetched again for an unknown key id ${pauseMs / secondMs} s after ${after}, not before`, async (t) => {
      const { keys, requests, answer, pass } = startIssuer(t);
      const first = keys.candidates(hint).catch(() => {});
      await answer(result);
      await first;
      pass(pauseMs - 1);
      await keys.candidates(hint).catch(() => {});
      assert.equal(requests.length, 1);
      pass(1);
      const found = idsOf(keys);
      assert.equal(requests.length, 2);
      await answer(keySet('a'));
      assert.deepEqual(await found, ['a']);
    });
  }

  test('are used without a request for ten minutes, then fetched again before they are used', async (t) => {
    const { keys, requests, answer, pass } = await startKnown(t);
    pass(10 * minuteMs - 1);
    assert.deepEqual(await idsOf(keys), ['a']);
    assert.equal(requests.length, 1);
    pass(1);
    const found = idsOf(keys);
    assert.equal(await isSettled(found), false);
    await answer(keySet('b'));
    assert.deepEqual(await found, []);
    assert.equal(requests.length, 2);
  });

  test('are used while the issuer is away, and no token waits for it after the first', async (t) => {
    const { keys, requests, answer, pass } = await startKnown(t);
    pass(10 * minuteMs);
    const first = idsOf(keys);
    await answer(new Error('away'));
    assert.deepEqual(await first, ['a']);
    pass(2 * secondMs);
    assert.deepEqual(await idsOf(keys), ['a']);
    assert.deepEqual(await idsOf(keys), ['a']);
    assert.equal(requests.length, 3, 'it is asked again, once');
  });

  test('are not used a day after the last answer', async (t) => {
    const { keys, answer, pass } = await startKnown(t);
    pass(trustedMs - 1);
    const last = idsOf(keys);
    await answer(new Error('away'));
    assert.deepEqual(await last, ['a']);
    pass(1);
    await assert.rejects(keys.candidates(hint), unavailable);
    assert.equal(keys.isCurrent(keys.version()), false);
  });

  test('are unavailable where they were never there, with the reason as the cause', async (t) => {
    const { keys, answer, outcomes } = startIssuer(t);
    const cause = new Error('away');
    const waiting = [keys.candidates(hint), keys.renew()];
    const refused = waiting.map((each) => assert.rejects(each, { ...unavailable, cause }));
    await answer(cause);
    await Promise.all(refused);
    await assert.rejects(keys.renew(), unavailable, 'without asking again');
    assert.deepEqual(outcomes, ['failure']);
  });
});

describe('the version of the keys', () => {
  test('grows where a key set differs from the one before, and only there', async (t) => {
    const { keys, answer, pass } = startIssuer(t);
    const versions: number[] = [keys.version()];
    for (const set of [keySet('a'), keySet('a'), keySet('a', 'b'), keySet(), keySet()]) {
      const renewed = keys.renew();
      await answer(set);
      const before = versions.at(-1);
      versions.push(keys.version());
      assert.equal(await renewed, before !== keys.version());
      pass(30 * secondMs);
    }
    assert.deepEqual(versions, [0, 1, 1, 2, 3, 3]);
  });

  test('is current until the keys change, and asking for it refreshes old keys without waiting', async (t) => {
    const { keys, requests, answer, pass } = await startKnown(t);
    const version = keys.version();
    assert.equal(keys.isCurrent(version), true);
    assert.equal(keys.isCurrent(version - 1), false);
    assert.equal(requests.length, 1);
    pass(10 * minuteMs);
    assert.equal(keys.isCurrent(version), true);
    assert.equal(keys.isCurrent(version), true);
    assert.equal(requests.length, 2);
    await answer(keySet('b'));
    assert.equal(keys.isCurrent(version), false);
    assert.equal(keys.isCurrent(keys.version()), true);
  });
});

describe('the log', () => {
  test('has one line for an outage and one for its end', async (t) => {
    const { keys, answer, pass, log } = await startKnown(t);
    for (const result of [new Error('away'), new Error('away'), keySet('a'), keySet('a')]) {
      pass(30 * secondMs);
      const renewed = keys.renew().catch(() => {});
      await answer(result);
      await renewed;
    }
    assert.deepEqual(log, ['the issuer’s keys cannot be had', 'the issuer’s keys can be had again']);
  });
});

/** Key sets that no code should trip over: an issuer is another's program. */
const odd: readonly (readonly [name: string, keys: readonly object[]])[] = [
  ['key_ops that are a number', [{ kty: 'RSA', kid: 'a', key_ops: 7 }]],
  ['key_ops that are an object', [{ kty: 'RSA', kid: 'a', key_ops: {} }]],
  ['a curve that is named like a property of objects', [{ kty: 'OKP', kid: 'a', crv: 'constructor' }]],
  ['a list for a key', [[]]],
  ['an id that is an object', [{ kty: 'nonsense', kid: { toString: 'x' } }]],
];
for (const [name, nonsense] of odd) {
  test(`a key set with ${name} leaves the other keys usable`, async (t) => {
    const { keys, answer, pass } = startIssuer(t);
    const set = { keys: [...nonsense, ...keySet('a').keys] as JWK[] };
    const found = idsOf(keys);
    await answer(set);
    assert.deepEqual(await found, ['a']);
    // In the background, where nobody would catch an error.
    pass(10 * minuteMs);
    keys.isCurrent(keys.version());
    await answer({ keys: [...set.keys, ...nonsense] as JWK[] });
    assert.deepEqual(await idsOf(keys), ['a']);
  });
}

test('a key set that cannot be read is a failure, and the known keys stay in use', async (t) => {
  const { keys, answer, pass, outcomes } = await startKnown(t);
  pass(10 * minuteMs);
  keys.isCurrent(keys.version());
  await answer({} as JSONWebKeySet);
  assert.deepEqual(await idsOf(keys), ['a']);
  assert.deepEqual(outcomes, ['success', 'failure']);
});
