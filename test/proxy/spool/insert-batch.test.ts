import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from 'pg';
import type { Queryable } from '../../../database/queryable.ts';
import type { Batch } from '../../../proxy/spool/batch.ts';
import { type InsertOptions, insertBatch } from '../../../proxy/spool/insert-batch.ts';
import type { SpooledRow } from '../../../proxy/spool/outbox.ts';

const db: Queryable = { query: () => assert.fail('a batch says what is asked') };
const empty = Buffer.alloc(0);

function errorOf(code: string): Error {
  return Object.assign(new DatabaseError(code, 0, 'error'), { code });
}

/** Sends rows to a database that answers a batch of these ids with an error, or takes it. */
async function send(ids: readonly number[], answer: (ids: readonly number[]) => string | undefined) {
  const told: string[] = [];
  const makeBatch: InsertOptions['makeBatch'] = async (table, rows): Promise<Batch> => ({
    table,
    rows,
    async insert() {
      const code = answer(rows.map(({ id }) => id));
      if (code !== undefined) throw errorOf(code);
    },
  });
  const options: InsertOptions = {
    makeBatch,
    onInserted: (_, rows) => told.push(`in ${rows.map(({ id }) => id)}`),
    onRefused: (_, row) => told.push(`refused ${row.id}`),
  };
  const rows = ids.map((id): SpooledRow => ({ id, row: empty, sealed: empty }));
  await insertBatch(options, db, await makeBatch('calls', rows));
  return told;
}

/** What becomes of rows 1 to 4. */
const table: readonly [name: string, answer: (ids: readonly number[]) => string | undefined, told: string[]][] = [
  ['that are taken', () => undefined, ['in 1,2,3,4']],
  ['of which one has a bad value', (ids) => (ids.includes(3) ? '22003' : undefined), ['in 1,2', 'refused 3', 'in 4']],
  [
    'of which two break a constraint',
    (ids) => (ids.some((id) => id === 1 || id === 4) ? '23514' : undefined),
    ['refused 1', 'in 2', 'in 3', 'refused 4'],
  ],
  [
    'of which one is refused by a trigger',
    (ids) => (ids.includes(1) ? 'P0001' : undefined),
    ['refused 1', 'in 2', 'in 3,4'],
  ],
  [
    'of which one is too large for an index',
    (ids) => (ids.includes(4) ? '54000' : undefined),
    ['in 1,2', 'in 3', 'refused 4'],
  ],
  ['that take too long together', (ids) => (ids.length > 2 ? '57014' : undefined), ['in 1,2', 'in 3,4']],
];

for (const [name, answer, told] of table) {
  test(`rows ${name}`, async () => {
    assert.deepEqual(await send([1, 2, 3, 4], answer), told);
  });
}

test('rows are kept where the fault is not theirs', async () => {
  await assert.rejects(
    send([1], () => '57014'),
    { code: '57014' },
  );
  for (const code of ['57P01', '42501', '42P01', '40P01']) {
    await assert.rejects(
      send([1, 2], () => code),
      { code },
    );
  }
});
