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

describe('a call that a client refers to', () => {
  test('is found in the proxy itself without asking the database', async () => {
    const { find, looks } = prepare([], 'here');
    assert.deepEqual([await find('id'), looks], ['here', []]);
  });

  for (const looksMade of [1, 2, 3]) {
    test(`is found at look ${looksMade}, if another proxy has just recorded it`, async () => {
      const { find, looks } = prepare([...Array(looksMade - 1).fill(undefined), 'there']);
      assert.deepEqual([await find('id'), looks.length], ['there', looksMade]);
    });
  }

  test('is not found after the third look', async () => {
    const { find, looks } = prepare([]);
    assert.deepEqual([await find('id'), looks], [undefined, ['id', 'id', 'id']]);
  });

  test('is not looked up where no database could contain it', async () => {
    const { find, looks } = prepare(['there']);
    assert.deepEqual([await find('i\0d'), looks], [undefined, []]);
  });

  test('is unknown while the database is away', async () => {
    const find = makeFind(
      () => undefined,
      () => Promise.reject(new Error('away')),
    );
    await assert.rejects(find('id'), { code: 'store_unavailable' });
  });
});
