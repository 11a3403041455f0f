import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure, FailureKind } from '../../../../proxy/calls/route/failure.ts';
import { makeRouteHealth } from '../../../../proxy/calls/route/health.ts';
import { makeKey, provider } from '../../snapshot.ts';

const one = { ...provider, name: 'one', breaker: { failures: 2, pauseMs: 1_000 } };
const a = makeKey('a', { provider: one });
const b = makeKey('b', { provider: one });
const c = makeKey('c', { provider: { ...one, name: 'two' } });
const keys = [a, b, c];

function make() {
  const told: string[] = [];
  const clock = { nowMs: 0 };
  const health = makeRouteHealth({
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

test('a call that is itself wrong counts against nobody', () => {
  const { health, fail } = make();
  for (let count = 0; count < 9; count += 1) health.failed(a, 'm', fail('request_refused'));
  assert.ok(health.isCalm());
});
