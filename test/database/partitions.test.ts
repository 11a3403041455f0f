import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { makePartitionsAhead } from '../../database/partitions.ts';
import { openDatabase } from './tenant.ts';

const log = pino({ level: 'silent' });

test('the present month and the next three have partitions, also across the end of a year', async (t) => {
  const { owner } = await openDatabase(t);
  const year = new Date().getUTCFullYear();
  const nowMs = Date.UTC(year, 10, 30, 23, 59);
  await makePartitionsAhead(owner, log, nowMs);
  const { rows } = await owner.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'chaperone'::regnamespace and relkind = 'r' and relname ~ '^requests_[0-9]' order by 1`,
  );
  assert.deepEqual(
    rows.map(({ name }) => name),
    [`${year}_11`, `${year}_12`, `${year + 1}_01`, `${year + 1}_02`].map((month) => `requests_${month}`),
  );
});

test('a partition that cannot be made does not prevent the others', async (t) => {
  const { owner } = await openDatabase(t);
  const now = new Date();
  const monthOf = (months: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1));
  // As an attack on a former version left it.
  await owner.query(`create table chaperone.skewed partition of chaperone.requests
    for values from ('${monthOf(1).toISOString()}') to ('${monthOf(2).toISOString()}')`);
  await makePartitionsAhead(owner, log, now.getTime());
  for (const months of [0, 2, 3]) {
    const name = `chaperone.requests_${monthOf(months).toISOString().slice(0, 7).replace('-', '_')}`;
    const { rows } = await owner.query<{ oid: unknown }>('select to_regclass($1) as oid', [name]);
    assert.ok(rows[0]?.oid, name);
  }
});
