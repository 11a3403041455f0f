import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeFind } from '../../proxy/find.ts';

/** A database of which the n-th look finds the n-th of these, and none what comes after them. */
function prepare(stored: readonly (string | undefined)[], here?: string) {
  const looks: string[] = [];
  const find = makeFind(
    () => here,
    async (id) => stored[looks.push(id) - 1],
  );
  return { find, looks };
}

describe('what a client names', () => {
  test('is asked of no database where it is here', async () => {
    const { find, looks } = prepare([], 'here');
    assert.deepEqual([await find('id'), looks], ['here', []]);
  });

  for (const looksMade of [1, 2, 3]) {
    test(`is found with look ${looksMade}, as what another proxy has only just recorded`, async () => {
      const { find, looks } = prepare([...Array(looksMade - 1).fill(undefined), 'there']);
      assert.deepEqual([await find('id'), looks.length], ['there', looksMade]);
    });
  }

  test('is not there after the third look', async () => {
    const { find, looks } = prepare([]);
    assert.deepEqual([await find('id'), looks], [undefined, ['id', 'id', 'id']]);
  });

  test('is not there where no database could have it', async () => {
    const { find, looks } = prepare(['there']);
    assert.deepEqual([await find('i\0d'), looks], [undefined, []]);
  });

  test('is not known where the database is away', async () => {
    const find = makeFind(
      () => undefined,
      () => Promise.reject(new Error('away')),
    );
    await assert.rejects(find('id'), { code: 'store_unavailable' });
  });
});
