import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TurnRow } from '../../../../database/conversations.ts';
import { branchesOf, pathOf } from '../../../../proxy/governance/conversations/tree.ts';

/** A call by its branch, its digest and that of what it continues. Its place in the list is its time. */
type Turn = readonly [branch: string, digest: number, parent: number | null, changes?: Partial<TurnRow>];

function makeTurns(turns: readonly Turn[]): TurnRow[] {
  return turns.map(([branchId, messageDigest, parentDigest, changes], index) => ({
    requestId: `req_${index}`,
    startedAt: new Date(index),
    branchId,
    messageDigest,
    parentDigest,
    newMessages: 1,
    operation: 'chat',
    status: 'completed',
    model: 'gpt-4o',
    totalTokens: 10,
    ...changes,
  }));
}

const forked: readonly Turn[] = [
  ['main', 1, null],
  ['main', 2, 1],
  ['b', 3, 1],
  ['main', 4, 2],
  ['b', 5, 3],
  ['c', 6, 3],
];

const idsOf = (turns: readonly TurnRow[]) => turns.map(({ requestId }) => requestId);

test('branches are in the order in which they began, with where they begin', () => {
  assert.deepEqual(
    branchesOf(makeTurns(forked)).map((branch) => [
      ...[branch.branchId, branch.parentBranchId, branch.forkedAfter],
      ...[branch.calls, branch.messageCount, branch.totalTokens],
    ]),
    [
      ['main', null, null, 3, 6, 30],
      ['b', 'main', 'req_0', 2, 6, 20],
      ['c', 'b', 'req_2', 1, 6, 10],
    ],
  );
});

const paths: Readonly<Record<string, readonly [turns: readonly Turn[], branch: string, path: readonly string[]]>> = {
  main: [forked, 'main', ['req_0', 'req_1', 'req_3']],
  'a branch of a branch': [forked, 'c', ['req_0', 'req_2', 'req_5']],
  'a branch that is not there': [forked, 'd', []],
  'of equal calls the last completed one': [
    [
      ['main', 1, null],
      ['main', 1, null, { status: 'failed' }],
      ['main', 2, 1],
      ['main', 2, 1],
    ],
    'main',
    ['req_0', 'req_3'],
  ],
  'not a failed call at the end': [
    [
      ['main', 1, null],
      ['main', 2, 1, { status: 'failed' }],
    ],
    'main',
    ['req_0'],
  ],
  'a failed call where there is no other': [[['main', 1, null, { status: 'failed' }]], 'main', ['req_0']],
  'the call before, where what it continues is not there': [
    [
      ['main', 1, null],
      ['main', 2, 1],
      ['main', 9, 8],
    ],
    'main',
    ['req_0', 'req_1', 'req_2'],
  ],
  'calls that continue nothing one after another': [
    [
      ['main', 1, null],
      ['main', 2, null],
      ['main', 3, null],
    ],
    'main',
    ['req_0', 'req_1', 'req_2'],
  ],
};

for (const [name, [turns, branch, path]] of Object.entries(paths)) {
  test(`the path has ${name}`, () => {
    assert.deepEqual(idsOf(pathOf(makeTurns(turns), branch)), path);
  });
}

test('a path of many calls that continue nothing ends', () => {
  const turns = makeTurns(Array.from({ length: 2_000 }, (_, index): Turn => ['main', index, null]));
  assert.equal(pathOf(turns, 'main').length, 2_000);
});
