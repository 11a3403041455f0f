import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { upsertPersonas } from '../../database/personas.ts';
import { makeRowWriter } from '../../operator/row-writer.ts';
import { isNameTaken } from '../../operator/tenant-kind.ts';
import { makeTenant, openDatabase } from '../database/tenant.ts';
import { until } from '../until.ts';

interface Row {
  readonly organizationId: string;
  readonly name: string;
}

const row = (name: string, organizationId = 'acme'): Row => ({ organizationId, name });

/** A writer whose writes end when the test says so. */
function prepare() {
  const writes: { readonly names: readonly string[]; readonly end: PromiseWithResolvers<void> }[] = [];
  const write = makeRowWriter<Row>((rows) => {
    const end = Promise.withResolvers<void>();
    writes.push({ names: rows.map(({ name }) => name), end });
    return end.promise;
  });
  return { write, writes, names: () => writes.map((one) => one.names) };
}

test('a row is written at once, and rows that come meanwhile are written together', async () => {
  const { write, writes, names } = prepare();
  const first = write(row('a'));
  const others = ['b', 'c', 'd'].map((name) => write(row(name)));
  assert.deepEqual(names(), [['a']]);
  writes[0]?.end.resolve();
  await first;
  await until(() => writes.length === 2, 'the others to be written');
  assert.deepEqual(names(), [['a'], ['b', 'c', 'd']]);
  writes[1]?.end.resolve();
  await Promise.all(others);
  await nextTurn();
  const later = write(row('e'));
  assert.deepEqual(names(), [['a'], ['b', 'c', 'd'], ['e']]);
  writes[2]?.end.resolve();
  await later;
});

test('an organization does not wait for another', () => {
  const { write, names } = prepare();
  void write(row('a'));
  void write(row('b', 'umbrella'));
  assert.deepEqual(names(), [['a'], ['b']]);
});

test('rows are not tried one by one while the database is away', async () => {
  const { write, writes, names } = prepare();
  const first = write(row('a'));
  const others = [write(row('b')), write(row('c'))];
  writes[0]?.end.resolve();
  await first;
  await until(() => writes.length === 2, 'the others to be written');
  writes[1]?.end.reject(new Error('Connection terminated'));
  const results = await Promise.allSettled(others);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(names(), [['a'], ['b', 'c']]);
});

test('a row that the database refuses fails alone', async () => {
  const written: string[] = [];
  const gate = Promise.withResolvers<void>();
  const write = makeRowWriter<Row>(async (rows) => {
    await gate.promise;
    if (rows.some(({ name }) => name === 'wrong')) throw new DatabaseError('refused', 7, 'error');
    written.push(...rows.map(({ name }) => name));
  });
  const writing = ['a', 'b', 'wrong', 'c'].map((name) => write(row(name)));
  gate.resolve();
  const results = await Promise.allSettled(writing);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(written, ['a', 'b', 'c']);
});

test('only the persona whose name is taken is refused among many', async (t) => {
  const database = await openDatabase(t);
  const { id: organizationId } = await makeTenant(database);
  const persona = (index: number, name: string) => ({
    organizationId,
    personaId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    resource: `team/persona-${index}`,
    servesNamespace: null,
    name,
    description: null,
    contentSealed: Buffer.from([0, index, 255]),
    users: ['ada', 'a "quoted", one'],
    model: null,
    parameters: { temperature: 0.2 },
    isActive: true,
  });
  const write = makeRowWriter<ReturnType<typeof persona>>((rows) => upsertPersonas(database.owner, rows));
  const names = ['one', 'two', 'one', 'three'];
  const results = await Promise.allSettled(names.map((name, index) => write(persona(index, name))));
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  assert.equal(refused.length, 1);
  assert.ok(isNameTaken(refused[0], 'personas_name'));
  const { rows } = await database.owner.query(
    `select name, content_encrypted, users, parameters from chaperone.personas
     where organization_id = $1::uuid order by persona_id`,
    [organizationId],
  );
  const told = { users: ['ada', 'a "quoted", one'], parameters: { temperature: 0.2 } };
  assert.deepEqual(
    rows,
    [
      [0, 'one'],
      [1, 'two'],
      [3, 'three'],
    ].map(([index, name]) => ({ name, content_encrypted: Buffer.from([0, Number(index), 255]), ...told })),
  );
});
