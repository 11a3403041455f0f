import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addUp, type Bill, type PartPrice } from '../../../../proxy/calls/background/bill.ts';
import { type Usage, unknownUsage } from '../../../../proxy/providers/usage.ts';

/** A micro-dollar a token; `unknown` has no price. */
const price: PartPrice = (model, { totalTokens }) =>
  model === 'unknown' || totalTokens === null ? null : (totalTokens / 1_000_000).toFixed(6);

const tokens = (input: number | null, output: number | null): Usage => ({
  ...unknownUsage,
  inputTokens: input,
  outputTokens: output,
  totalTokens: input === null || output === null ? null : input + output,
});
const part = (model: string | null, usage: Usage) => ({ model, usage });

const rows: readonly (readonly [title: string, parts: ReturnType<typeof part>[], expected: Bill | undefined])[] = [
  ['without parts there is no bill', [], undefined],
  ['one part is the bill', [part('a', tokens(1, 2))], { model: 'a', usage: tokens(1, 2), costUsd: '0.000003' }],
  [
    'parts of one model are added up',
    [part('a', tokens(1, 2)), part('a', tokens(10, 20))],
    { model: 'a', usage: tokens(11, 22), costUsd: '0.000033' },
  ],
  [
    'parts of several models have none in common',
    [part('a', tokens(1, 2)), part('b', tokens(10, 20)), part('a', tokens(0, 1))],
    { model: null, usage: tokens(11, 23), costUsd: '0.000034' },
  ],
  [
    'a part without a price makes the sum unpriced, whatever follows',
    [part('a', tokens(1, 2)), part('unknown', tokens(1, 2)), part('a', tokens(1, 2))],
    { model: null, usage: tokens(3, 6), costUsd: null },
  ],
  [
    'a figure that one part does not report is unknown in the sum',
    [part('a', tokens(1, null)), part('a', tokens(10, 20))],
    { model: 'a', usage: tokens(11, null), costUsd: null },
  ],
];
for (const [title, parts, expected] of rows) {
  test(title, async () => {
    const bill = await addUp(
      (async function* () {
        yield* parts;
      })(),
      price,
      null,
    );
    assert.deepEqual(
      bill && { ...bill, costUsd: bill.costUsd && Number(bill.costUsd) },
      expected && {
        ...expected,
        costUsd: expected.costUsd && Number(expected.costUsd),
      },
    );
  });
}

test('every part is priced by its own model and by the tier of the call', async () => {
  const asked: unknown[] = [];
  const noting: PartPrice = (...args) => {
    asked.push(args);
    return '1';
  };
  const usage = tokens(1, 1);
  await addUp(
    (async function* () {
      yield part('a', usage);
      yield part('b', usage);
    })(),
    noting,
    'flex',
  );
  assert.deepEqual(asked, [
    ['a', usage, 'flex'],
    ['b', usage, 'flex'],
  ]);
});
