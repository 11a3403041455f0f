import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeRowReader, type RowLocation } from '../../operator/row-reader.ts';
import { makeWorkQueue } from '../../operator/runtime/work-queue.ts';

type Row = { readonly version: number };

/** A queue, and a reader of rows that the test changes; a key is an organization and a name. */
function prepare() {
  const queue = makeWorkQueue();
  const table = new Map<string, Row>();
  const statements: (readonly string[])[] = [];
  let failure: Error | undefined;
  const placeOf = (key: string): RowLocation => ({ organizationId: key.split('/')[0] ?? '', rowId: `row of ${key}` });
  const reader = makeRowReader<Row, string>({
    async find(organizationId, rowIds) {
      statements.push(rowIds);
      if (failure) throw failure;
      const found = rowIds.flatMap((id) => {
        const row = id.startsWith(`row of ${organizationId}/`) ? table.get(id) : undefined;
        return row ? [[id, row] as const] : [];
      });
      return new Map(found);
    },
    placeOf,
    queue,
  });
  return {
    queue,
    table,
    statements,
    /** Takes a key. @returns the key, and its row as the reconciliation reads it */
    async take() {
      const key = (await queue.take()) ?? '';
      return { key, row: await reader.begin(key)(placeOf(key)) };
    },
    fail: (error: Error | undefined) => {
      failure = error;
    },
  };
}

test('the rows of waiting keys are read together, one organization at a time', async () => {
  const { queue, table, statements, take } = prepare();
  const acme = Array.from({ length: 120 }, (_, index) => `acme/${index}`);
  for (const [index, key] of [...acme, 'umbrella/1'].entries()) {
    table.set(`row of ${key}`, { version: index });
    queue.add(key);
  }
  for (const [index, key] of [...acme, 'umbrella/1'].entries()) {
    assert.deepEqual(await take(), { key, row: { version: index } });
    queue.done(key);
  }
  assert.deepEqual(
    statements.map((rowIds) => rowIds.length),
    [50, 50, 20, 1],
  );
  assert.deepEqual(statements.at(-1), ['row of umbrella/1']);
});

test('keys that are taken together are read together', async () => {
  const { queue, statements, take } = prepare();
  for (const name of ['a', 'b', 'c', 'd']) queue.add(`acme/${name}`);
  await Promise.all([take(), take(), take()]);
  assert.deepEqual(statements, [['a', 'b', 'c', 'd'].map((name) => `row of acme/${name}`)]);
});

test('a key that is added again is read again, also at once', async () => {
  const { queue, table, statements, take } = prepare();
  const keys = Array.from({ length: 20 }, (_, index) => `acme/${index}`);
  for (const key of keys) queue.add(key);
  await take();
  for (const key of keys) {
    table.set(`row of ${key}`, { version: 1 });
    queue.add(key);
  }
  for (const key of keys.slice(1)) assert.deepEqual(await take(), { key, row: { version: 1 } });
  assert.deepEqual(
    statements.map((rowIds) => rowIds.length),
    [20, 19],
  );
});

test('a missing row is not looked for twice', async () => {
  const { queue, statements, take } = prepare();
  for (const key of ['acme/a', 'acme/b']) queue.add(key);
  assert.deepEqual([(await take()).row, (await take()).row], [undefined, undefined]);
  assert.equal(statements.length, 1);
});

test('a failed reading fails all its keys, and each is read anew when it comes again', async () => {
  const { queue, table, take, fail } = prepare();
  for (const key of ['acme/a', 'acme/b']) queue.add(key);
  fail(new Error('no database'));
  await assert.rejects(take(), /no database/);
  await assert.rejects(take(), /no database/);
  fail(undefined);
  table.set('row of acme/b', { version: 1 });
  queue.add('acme/b');
  queue.done('acme/b');
  assert.deepEqual(await take(), { key: 'acme/b', row: { version: 1 } });
});

type Action =
  | { readonly do: 'add' | 'done' | 'change' | 'write'; readonly key: string }
  | { readonly do: 'take'; readonly key?: never };

// Others change a row and have its resource looked at; its own reconciliation changes it and says nothing.
test('a key gets the present row, even if it changed after the reading', async () => {
  const key = fc.constantFrom('acme/a', 'acme/b', 'acme/c', 'umbrella/a');
  const action: fc.Arbitrary<Action> = fc.oneof(
    fc.record({ do: fc.constantFrom('add', 'add', 'add', 'done', 'change', 'write'), key }),
    fc.record({ do: fc.constant('take') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const { queue, table, take } = prepare();
      const working = new Set<string>();
      let version = 0;
      const change = (changed: string) => {
        version += 1;
        table.set(`row of ${changed}`, { version });
      };
      for (const { do: verb, key: about = '' } of actions) {
        if (verb === 'add') queue.add(about);
        else if (verb === 'change') {
          change(about);
          queue.add(about);
        } else if (verb === 'write' && working.has(about)) change(about);
        else if (verb === 'done' && working.delete(about)) queue.done(about);
        else if (verb === 'take' && queue.depth > 0) {
          const taken = await take();
          working.add(taken.key);
          assert.deepEqual(taken.row, table.get(`row of ${taken.key}`));
        }
      }
    }),
    { numRuns: 500 },
  );
});
