import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { makeRequestId } from '../../database/ids.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import { requestColumnEntries } from '../../database/request-columns.ts';
import {
  isLine,
  jsonOf,
  lineFields,
  lineHasQuota,
  lineOf,
  recordOf,
  requestIdOf,
} from '../../database/request-lines.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { batchOf } from './batch.ts';
import { makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let tenant: Tenant;

before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
});

/** What means something to PostgreSQL in a row or in an array, and what does not. */
const text = fc.string({
  unit: fc.constantFrom('"', '\\', ',', '(', ')', '{', '}', '\n', ' ', 'é', '😀', 'null', 'a'),
});
const count = fc.option(fc.nat({ max: 10 ** 12 }));
const record = fc
  .record({
    turn_id: fc.option(text),
    model: fc.option(text),
    user_external_id: fc.option(text),
    input_tokens: count,
    total_tokens: count,
    is_stream: fc.boolean(),
    cost_usd: fc.option(fc.constantFrom('0', '0.000144', '9999999.999999999999')),
    attributes: fc.record({ end_user: text, guardrail_hits: fc.array(text, { minLength: 1 }) }, { requiredKeys: [] }),
    client_name: fc.option(text),
    quota: fc.option(fc.constantFrom('0,-1,2,3', '0,1,2,3,5,1,2,3')),
  })
  .map(
    ({ attributes, client_name, quota, ...fields }): RequestRecord => ({
      ...makeRecord('6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a10', fields),
      ...attributes,
      ...(client_name !== null && { client_name }),
      ...(quota !== null && { quota }),
    }),
  );

test('a line has all of its record, and says whether limits count it', () => {
  fc.assert(
    fc.property(record, (given) => {
      const line = lineOf(given);
      const row = Buffer.from(line);
      assert.deepEqual(recordOf(line), given);
      assert.deepEqual(JSON.parse(jsonOf(row)), given);
      assert.deepEqual([isLine(row), lineHasQuota(row)], [true, given.quota !== undefined]);
      assert.equal(requestIdOf(row), given.request_id);
    }),
  );
});

test('a row of an earlier version is JSON', () => {
  const given = makeRecord('6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a10');
  const row = Buffer.from(JSON.stringify(given));
  assert.deepEqual([isLine(row), recordOf(String(row)), jsonOf(row)], [false, given, String(row)]);
  assert.equal(requestIdOf(row), given.request_id);
});

test('PostgreSQL reads a line as the same record as its JSON', async () => {
  const at = new Date();
  const given = fc.sample(record, 200).map((each) => ({
    ...each,
    request_id: makeRequestId(at.getTime()),
    started_at: at.toISOString(),
    user_external_id: null,
    model: each.model?.slice(0, 200) ?? null,
    turn_id: each.turn_id?.slice(0, 128) ?? null,
  }));
  const read = async (form: 'lines' | 'json') => {
    await database.owner.query('begin');
    const withoutQuota = given.map(({ quota: _, ...rest }) => rest);
    await insertRequests(
      database.owner,
      tenant.id,
      batchOf(withoutQuota, ({ request_id }) => request_id, form),
    );
    const { rows } = await database.owner.query(
      `select r.*, c.contents_encrypted
       from chaperone.requests r join chaperone.request_contents c using (organization_id, started_at, request_id)
       where organization_id = $1 order by request_id`,
      [tenant.id],
    );
    await database.owner.query('rollback');
    return rows;
  };
  const rows = await read('lines');
  assert.equal(rows.length, given.length);
  assert.deepEqual(rows, await read('json'));
});

test('the type of lines in the database has the fields of a line, with the types of their columns', async () => {
  const { rows } = await database.owner.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type
     from pg_attribute where attrelid = 'chaperone.request_line'::regclass and attnum > 0 order by attnum`,
  );
  const types = new Map<string, string>(requestColumnEntries.map(([name, { type }]) => [name, type]));
  const own = { others: 'json', quota: 'text', contents_at: 'integer', contents_length: 'integer' };
  assert.deepEqual(
    rows.map(({ name, type }) => [name, type.replace('timestamp with time zone', 'timestamptz')]),
    [
      ...lineFields.map((name) => [
        name,
        (types.get(name) ?? 'text').replace('timestamp with time zone', 'timestamptz'),
      ]),
      ...Object.entries(own),
    ],
  );
});
