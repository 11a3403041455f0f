import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProviderPause } from '../../../../database/provider-pauses.ts';
import type { Failure, FailureKind } from '../../../../proxy/calls/route/failure.ts';
import { makeRouteHealth, type PauseSharing, type SharedRouteHealth } from '../../../../proxy/calls/route/health.ts';
import { makeKey, provider } from '../../snapshot.ts';

const one = { ...provider, name: 'one', breaker: { failures: 2, pauseMs: 1_000 } };
const a = makeKey('a', { provider: one });
const b = makeKey('b', { provider: one });
const c = makeKey('c', { provider: { ...one, name: 'two' } });
const keys = [a, b, c];

/** What is shared, as the database has it: every change reaches those that share it at once. */
function makeShared(clock: { readonly nowMs: number }) {
  const rows = new Map<string, ProviderPause & { readonly untilMs: number }>();
  const proxies: SharedRouteHealth[] = [];
  let writes = 0;
  const pass = () => {
    writes += 1;
    const known = [...rows.values()].map((row) => ({ ...row, remainingMs: row.untilMs - clock.nowMs }));
    for (const proxy of proxies) proxy.adopt(known);
  };
  const sharing: PauseSharing = {
    begun(pause) {
      rows.set(pause.id, { ...pause, untilMs: clock.nowMs + pause.remainingMs });
      pass();
    },
    over(id) {
      rows.delete(id);
      pass();
    },
  };
  return { sharing, rows, proxies, writes: () => writes, pass };
}

function make(clock = { nowMs: 0 }, sharing: PauseSharing = { begun() {}, over() {} }) {
  const told: string[] = [];
  const health = makeRouteHealth({
    sharing,
    nowMs: () => clock.nowMs,
    onCircuit: (...circuit) => told.push(circuit.join(' ').trim()),
  });
  const fail = (kind: FailureKind, retryAfterMs?: number): Failure => ({
    kind,
    status: null,
    reason: 'x',
    text: '',
    retryAfterMs,
  });
  const order = (model = 'm') => health.prefer(keys, model).map(({ id }) => id);
  return { health, clock, told, fail, order };
}

test('a provider that fails in a row comes last, until one call tries it after the pause', () => {
  const { health, clock, told, fail, order } = make();
  health.failed(a, 'm', fail('provider_error'));
  assert.deepEqual(order(), ['a', 'b', 'c']);
  health.failed(b, 'm', fail('unreachable'));
  assert.deepEqual([order(), told], [['c', 'a', 'b'], ['one provider  true']]);
  clock.nowMs = 1_000;
  assert.deepEqual(order(), ['a', 'b', 'c'], 'one call tries it');
  assert.deepEqual(order(), ['c', 'a', 'b'], 'the next one does not');
  health.succeeded(a);
  assert.deepEqual([order(), told.at(-1), health.isCalm()], [['a', 'b', 'c'], 'one provider  false', true]);
});

test('successes between failures keep the circuit closed', () => {
  const { health, told, fail } = make();
  for (let count = 0; count < 5; count += 1) {
    health.failed(a, 'm', fail('unknown'));
    health.succeeded(b);
  }
  assert.deepEqual(told, []);
});

test('a key that is refused in a row comes last, and its provider’s other key does not', () => {
  const { health, told, fail, order } = make();
  for (let count = 0; count < 2; count += 1) health.failed(a, 'm', fail('key_refused'));
  assert.deepEqual([order(), told], [['b', 'c', 'a'], ['one key a true']]);
});

test('a limited key comes last for that model, as long as the provider asks', () => {
  const { health, clock, fail, order } = make();
  health.failed(a, 'm', fail('rate_limited', 200));
  assert.deepEqual(order(), ['b', 'c', 'a']);
  assert.deepEqual(order('other'), ['a', 'b', 'c']);
  clock.nowMs = 200;
  assert.deepEqual(order(), ['a', 'b', 'c']);
});

test('of several limits, the longest holds, in whichever order they come', () => {
  const { health, clock, fail, order } = make();
  health.failed(a, 'm', fail('rate_limited', 60_000));
  health.failed(a, 'm', fail('rate_limited'));
  clock.nowMs = 30_000;
  assert.deepEqual(order(), ['b', 'c', 'a']);
});

test('a call that is itself wrong counts against nobody', () => {
  const { health, fail } = make();
  for (let count = 0; count < 9; count += 1) health.failed(a, 'm', fail('request_refused'));
  assert.ok(health.isCalm());
});

describe('two proxies of an organization', () => {
  const makeBoth = () => {
    const clock = { nowMs: 1_000_000 };
    const shared = makeShared(clock);
    const [near, far] = [make(clock, shared.sharing), make(clock, shared.sharing)];
    shared.proxies.push(near.health, far.health);
    return { clock, shared, near, far };
  };

  test('leave alone what failed at one of them, and one call of either tries it', () => {
    const { clock, near, far, shared } = makeBoth();
    for (let count = 0; count < 2; count += 1) near.health.failed(a, 'm', near.fail('provider_error'));
    assert.deepEqual([far.order(), far.told], [['c', 'a', 'b'], ['one provider  true']]);
    far.health.succeeded(b);
    assert.deepEqual(far.order(), ['c', 'a', 'b'], 'an answer that was under way says nothing');
    clock.nowMs += 1_001;
    assert.deepEqual(far.order(), ['a', 'b', 'c'], 'one call tries it');
    assert.deepEqual(
      [far.order(), near.order()],
      [
        ['c', 'a', 'b'],
        ['c', 'a', 'b'],
      ],
    );
    far.health.failed(a, 'm', far.fail('provider_error'));
    assert.deepEqual(near.order(), ['c', 'a', 'b']);
    clock.nowMs += 1_001;
    near.order();
    near.health.succeeded(a);
    assert.deepEqual([near.told.at(-1), far.told.at(-1)], ['one provider  false', 'one provider  false']);
    assert.deepEqual([near.health.isCalm(), far.health.isCalm(), shared.rows.size], [true, true, 0]);
  });

  test('know of each other’s limits', () => {
    const { clock, near, far, shared } = makeBoth();
    near.health.failed(a, 'm', near.fail('rate_limited', 20_000));
    assert.deepEqual(
      [far.order(), far.order('other')],
      [
        ['b', 'c', 'a'],
        ['a', 'b', 'c'],
      ],
    );
    clock.nowMs += 20_000;
    assert.deepEqual(far.order(), ['a', 'b', 'c']);
    far.health.failed(a, 'm', far.fail('rate_limited', 500));
    assert.deepEqual(near.order(), ['a', 'b', 'c'], 'a short limit is not worth telling');
    assert.equal(shared.writes(), 1);
  });

  test('do not write each failure', () => {
    const { near, clock, shared } = makeBoth();
    for (let count = 0; count < 1_000; count += 1) {
      near.health.failed(a, 'm', near.fail('provider_error'));
      near.health.failed(b, 'm', near.fail('rate_limited', 10_000));
      clock.nowMs += 1;
    }
    assert.ok(shared.writes() <= 3, `${shared.writes()} writes`);
  });

  test('take over what is in force at the start, and nothing that is over', () => {
    const { shared, clock, near } = makeBoth();
    for (let count = 0; count < 2; count += 1) near.health.failed(a, 'm', near.fail('provider_error'));
    const late = make(clock, shared.sharing);
    shared.proxies.push(late.health);
    shared.pass();
    assert.deepEqual(late.order(), ['c', 'a', 'b']);
    clock.nowMs += 1_001;
    const later = make(clock, shared.sharing);
    shared.proxies.push(later.health);
    shared.pass();
    assert.ok(later.health.isCalm());
  });

  test('know a provider under another address as another one', () => {
    const { near, far } = makeBoth();
    for (let count = 0; count < 2; count += 1) near.health.failed(a, 'm', near.fail('provider_error'));
    const moved = makeKey('a', { provider: { ...one, origin: 'https://elsewhere.example' } });
    assert.deepEqual(
      far.health.prefer([moved, c], 'm').map(({ id }) => id),
      ['a', 'c'],
    );
  });
});
