import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuse } from '../../../../proxy/governance/knowledge/fuse.ts';

const passage = (articleId: string, number = 0) => ({ articleId, number, version: 1, startsAt: 0, endsAt: 1 });
const near = (articleId: string, similarity: number) => ({ ...passage(articleId), similarity });

test('what both rankings find comes before what one finds first', () => {
  const fused = fuse([passage('a'), passage('b')], [near('c', 0.9), near('b', 0.8)]);
  assert.deepEqual(
    fused.map(({ articleId, lexicalRank, vectorRank, similarity }) => [articleId, lexicalRank, vectorRank, similarity]),
    [
      ['b', 2, 2, 0.8],
      ['a', 1, null, null],
      ['c', null, 1, 0.9],
    ],
  );
});

test('passages of one article are ranked by themselves', () => {
  const fused = fuse([passage('a', 1), passage('a', 0)], []);
  assert.deepEqual(
    fused.map(({ number, score }) => [number, score]),
    [
      [1, 1 / 61],
      [0, 1 / 62],
    ],
  );
});

test('nothing found is nothing', () => assert.deepEqual(fuse([], []), []));
