import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Ask, compare, type Recorded, type Seen } from './ledger.ts';

/** The comparison of the fault matrix can fail: each of these is one deed, and the sum that must show it. */
describe('the comparison of accounts with a provider', () => {
  const sessions = ['mark-1-1', 'mark-1-2', 'mark-1-3'];
  const asks = sessions.map((mark, at): Ask => ({ mark, id: `resp_${at}`, end: 'completed', billed: 1_000 + at }));
  const records = sessions.map(
    (session, at): Recorded => ({
      ...{ requestId: `req_${at}`, session, status: 'completed', operation: 'responses', responseId: `resp_${at}` },
      ...{ isHit: false, cost: 1_000 + at, attempts: [] },
    }),
  );
  const seen = sessions.map(
    (session, at): Seen => ({
      ...{ session, kind: 'plain', afterMs: 5, end: 'answered', responseId: `resp_${at}` },
    }),
  );
  const [ask, record, call] = [asks[0], records[0], seen[0]];
  assert.ok(ask && record && call);
  const others = { asks: asks.slice(1), records: records.slice(1), seen: seen.slice(1) };
  const cut: Seen = { session: 'mark-1-1', kind: 'plain', afterMs: 5, end: 'cut', reason: 'reset' };

  const sums = (a: readonly Ask[], r: readonly Recorded[], s: readonly Seen[]) => {
    const { lost, doubled, costDifference, unknown } = compare(a, r, s);
    return { lost: lost.length, doubled: doubled.length, costDifference, unknown: unknown.calls };
  };
  const none = { lost: 0, doubled: 0, costDifference: 0, unknown: 0 };

  const cases: readonly [string, Parameters<typeof sums>, Partial<typeof none>][] = [
    ['accounts that are equal', [asks, records, seen], {}],
    [
      'a record that is dropped, of a call that its client saw end',
      [asks, others.records, seen],
      { lost: 2, costDifference: 1_000 },
    ],
    [
      'a record that is dropped, of a call that was cut',
      [asks, others.records, [...others.seen, cut]],
      { lost: 1, costDifference: 1_000 },
    ],
    [
      'a record that is there twice',
      [asks, [...records, { ...record, requestId: 'req_9' }], seen],
      { doubled: 1, costDifference: 1_000 },
    ],
    [
      'a record that nobody asked for',
      [asks, [...records, { ...record, session: 'mark-1-9', cost: 0 }], seen],
      { doubled: 1 },
    ],
    [
      'a price that is a little off',
      [asks, [{ ...record, cost: 1_001 }, ...others.records], seen],
      { costDifference: 1 },
    ],
    [
      'prices that are off in both directions',
      [asks, [{ ...record, cost: 1_007 }, { ...others.records[0], cost: 994 } as Recorded, ...records.slice(2)], seen],
      { costDifference: 14 },
    ],
    [
      'an answer that its client has, with a record that does not know it',
      [asks, [{ ...record, status: 'interrupted', cost: null }, ...others.records], seen],
      { lost: 1, unknown: 1 },
    ],
    [
      'a cut call, with a record of unknown usage',
      [asks, [{ ...record, status: 'interrupted', cost: null }, ...others.records], [cut, ...others.seen]],
      { unknown: 1 },
    ],
    [
      'unknown usage that is made up beyond what was billed',
      [
        [{ ...ask, billed: 5 }, ...others.asks],
        [{ ...record, cost: null, attempts: [{ cost: 9 }] }, ...others.records],
        [cut, ...others.seen],
      ],
      { costDifference: 4 },
    ],
    [
      'an error of the provider, which costs nothing',
      [
        [{ ...ask, end: 'failed', billed: 0 }, ...others.asks],
        [{ ...record, status: 'failed', cost: null }, ...others.records],
        [cut, ...others.seen],
      ],
      {},
    ],
    [
      'a failed call that was billed, without a cost',
      [asks, [{ ...record, status: 'failed', cost: null }, ...others.records], [cut, ...others.seen]],
      { unknown: 1 },
    ],
    ['a second request of which no record tells', [[...asks, { ...ask, billed: 0 }], records, seen], { lost: 1 }],
    [
      'a second request that is an attempt in the record',
      [[...asks, { ...ask, billed: 0 }], [{ ...record, attempts: [{ cost: 0 }] }, ...others.records], seen],
      {},
    ],
    [
      'an answer with the id of another one',
      [asks, records, [{ ...call, end: 'answered', responseId: 'resp_2' }, ...others.seen]],
      { lost: 1 },
    ],
    [
      'answers from the cache',
      [
        asks,
        [...records, { ...record, session: 'mark-1-1~2', isHit: true, cost: 0 }],
        [...seen, { ...call, session: 'mark-1-1~2' }],
      ],
      {},
    ],
    [
      'an answer from the cache that costs something',
      [
        asks,
        [...records, { ...record, session: 'mark-1-1~2', isHit: true, cost: 7 }],
        [...seen, { ...call, session: 'mark-1-1~2' }],
      ],
      { costDifference: 1 },
    ],
  ];
  for (const [name, given, wanted] of cases) it(name, () => assert.deepEqual(sums(...given), { ...none, ...wanted }));
});
