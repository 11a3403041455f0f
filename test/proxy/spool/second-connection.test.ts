import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { makeSecondConnection } from '../../../proxy/spool/second-connection.ts';
import type { Store } from '../../../proxy/store.ts';

/** @param batches how many calls each batch has */
async function help(batches: readonly number[]) {
  let closed = 0;
  const store: Store = {
    run: (work) => work({ query: async () => ({ rows: [] }) } as never),
    get ahead() {
      return store;
    },
    async close() {
      closed += 1;
    },
  };
  let copied = 0;
  const second = makeSecondConnection({
    openStore: () => store,
    async copyBatch() {
      const rows = batches[copied];
      if (rows === undefined) throw new Error('There are no more batches');
      copied += 1;
      return rows;
    },
    isNeeded: () => copied < batches.length,
    log: pino({ level: 'silent' }),
  });
  second.help();
  await second.closed();
  return { copied, closed };
}

test('a second connection copies as long as it is needed, and closes', async () => {
  assert.deepEqual(await help([500, 500, 3]), { copied: 3, closed: 1 });
});

test('a second connection that finds nothing to copy closes, whatever else waits', async () => {
  assert.deepEqual(await help([500, 0, 0, 0]), { copied: 2, closed: 1 });
});
