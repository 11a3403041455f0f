import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestColumnEntries, type requestColumns } from '../../database/request-columns.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { openDatabase } from './tenant.ts';

type Column = keyof typeof requestColumns;
/** A record without what other tables keep. */
type Row = Omit<RequestRecord, 'user_external_id' | 'quota'>;

/** These do not compile where a column has no field in the record, or a field has no column. */
const toField = (column: Column): keyof Row => column;
const toColumn = (field: keyof Row): Column => field;

test('the columns of requests are those of the migrated database', async (t) => {
  const { owner } = await openDatabase(t);
  const { rows } = await owner.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type
     from pg_attribute
     where attrelid = 'chaperone.requests'::regclass and attnum > 0 and not attisdropped and attname <> 'organization_id'`,
  );
  const types = requestColumnEntries.map(([name, { type }]) => [name, type]);
  assert.deepEqual(Object.fromEntries(types), Object.fromEntries(rows.map(({ name, type }) => [name, type])));
});

test('a record has a field for each column, and no others', () => {
  assert.equal(toColumn(toField('request_id')), 'request_id');
});

test('each column has a meaning in one line, which a table of Markdown can show', () => {
  for (const [name, { description }] of requestColumnEntries)
    assert.match(description, /^[A-Z`][^|\n]*\.$|^[A-Z`][^|\n]*\)\.$/, name);
});
