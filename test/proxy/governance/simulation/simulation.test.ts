import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Counters } from '../../../../proxy/governance/simulation/counters.ts';
import { diffSpecs } from '../../../../proxy/governance/simulation/diff.ts';
import { parsePeriod } from '../../../../proxy/governance/simulation/period.ts';
import { nextOf } from '../../../../proxy/governance/simulation/route-mix.ts';
import type { Counted } from '../../../../proxy/quota/counted.ts';
import { makeKey } from '../../snapshot.ts';

const hour = 3_600_000;
const counted = (
  unit: Counted['unit'],
  amount: number,
  window: Counted['window'] = { kind: 'fixed', lengthMs: hour },
): Counted => ({
  rule: 'limits/x',
  unit,
  per: 'Organization',
  window,
  amountAt: () => amount,
});

describe('counters of a replay', () => {
  it('begin anew with each window, for each scope', () => {
    const counters = new Counters();
    const ask = (scope: string) => ({ counted: counted('requests', 2), scope, amount: 1 });
    for (const scope of ['ada', 'ada', 'bob']) counters.take([ask(scope)], 10, 20);
    assert.deepEqual(
      [counters.left(ask('ada'), 20), counters.left(ask('bob'), 20), counters.left(ask('eve'), 20)],
      [0, 1, 2],
    );
    assert.equal(counters.left(ask('ada'), hour), 2);
  });

  it('count calls that are under way at once as a count of all of them does', () => {
    const calls = fc.array(fc.record({ startMs: fc.nat(200), ms: fc.nat(50) }), { maxLength: 60 });
    fc.assert(
      fc.property(calls, (made) => {
        const counters = new Counters();
        const ask = { counted: counted('concurrent', 100, { kind: 'total' }), scope: '', amount: 1 };
        const ordered = made.toSorted((one, other) => one.startMs - other.startMs);
        for (const [at, { startMs, ms }] of ordered.entries()) {
          counters.advance(startMs);
          const running = ordered.slice(0, at).filter((one) => one.startMs + one.ms > startMs).length;
          assert.equal(100 - counters.left(ask, startMs), running);
          counters.take([ask], startMs, startMs + ms);
        }
      }),
    );
  });

  it('take a raise into account while it lasts', () => {
    const counters = new Counters();
    const raised: Counted = { ...counted('nano_usd', 0), amountAt: (nowMs) => (nowMs < 100 ? 20 : 10) };
    const ask = { counted: raised, scope: '', amount: 15 };
    counters.take([ask], 50, 60);
    assert.deepEqual([counters.left(ask, 99), counters.left(ask, 100)], [5, -5]);
  });
});

describe('the keys of a replay', () => {
  it('get calls in proportion to their weights, within one call', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 200 }), (parts, calls) => {
        const sum = parts.reduce((all, part) => all + part, 0);
        const mix = parts.map((part, at) => ({ key: makeKey(`${at}`), share: part / sum, sent: 'm', credit: 0 }));
        const got = new Map<string, number>();
        for (let call = 0; call < calls; call += 1) {
          const id = nextOf(mix)?.key.id ?? '';
          got.set(id, (got.get(id) ?? 0) + 1);
        }
        for (const { key, share } of mix) {
          const off = Math.abs((got.get(key.id) ?? 0) - share * calls);
          assert.ok(off <= mix.length, `${key.id} is off by ${off}`);
        }
      }),
    );
  });
});

describe('the differences of two specs', () => {
  const cases: readonly (readonly [
    name: string,
    before: unknown,
    after: unknown,
    changes: readonly (readonly [string, unknown, unknown])[],
  ])[] = [
    ['none', { a: [1] }, { a: [1] }, []],
    ['a field', { tier: 'free' }, { tier: 'starter' }, [['spec.tier', 'free', 'starter']]],
    ['a new field', {}, { tier: 'free' }, [['spec.tier', undefined, 'free']]],
    [
      'a rule by its name, wherever it stands',
      {
        limits: [
          { name: 'a', count: 1 },
          { name: 'b', count: 1 },
        ],
      },
      {
        limits: [
          { name: 'b', count: 2 },
          { name: 'a', count: 1 },
        ],
      },
      [['spec.limits[b].count', 1, 2]],
    ],
    ['a rule that went', { limits: [{ name: 'a' }] }, { limits: [] }, [['spec.limits[a]', { name: 'a' }, undefined]]],
    ['a list of texts', { allow: ['a'] }, { allow: ['a', 'b'] }, [['spec.allow', ['a'], ['a', 'b']]]],
    [
      'a list with two of one name',
      { tiers: [{ name: 'a' }] },
      { tiers: [{ name: 'a' }, { name: 'a' }] },
      [['spec.tiers', [{ name: 'a' }], [{ name: 'a' }, { name: 'a' }]]],
    ],
  ];
  for (const [name, before, after, changes] of cases) {
    it(`show ${name}`, () => {
      const found = diffSpecs('Organization/acme', before, after);
      assert.deepEqual(
        found.map(({ field, before: was, after: is }) => [field, was, is]),
        changes,
      );
    });
  }
});

it('a period is read from durations and times', () => {
  const names = { since: '--since', until: '--until' };
  const nowMs = Date.parse('2027-03-10T12:00:00Z');
  const since = (text: string, until?: string) =>
    Object.values(parsePeriod({ since: text, ...(until !== undefined && { until }) }, nowMs, names)).map((ms) =>
      new Date(ms).toISOString().slice(0, 16),
    );
  assert.deepEqual(since('7d'), ['2027-03-03T12:00', '2027-03-10T12:00']);
  assert.deepEqual(since('90m', '1h'), ['2027-03-10T10:30', '2027-03-10T11:00']);
  assert.deepEqual(since('2027-03-01', '2027-03-02T06:00:00+02:00'), ['2027-03-01T00:00', '2027-03-02T04:00']);
  for (const text of ['7', 'd', '-1d', '2027-3-1', 'yesterday']) assert.throws(() => since(text), /--since must be/);
  assert.throws(() => since('1h', '2h'), /is not before/);
});
