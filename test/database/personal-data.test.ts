import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { insertAnalysisResult } from '../../database/analysis-results.ts';
import { deleteApiKey, upsertApiKeys } from '../../database/api-keys.ts';
import { resourceIdOf, userIdOf } from '../../database/ids.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import { keepJobIntent } from '../../database/job-intents.ts';
import { insertOwnedResources } from '../../database/owned-resources.ts';
import { insertPendingCalls } from '../../database/pending-calls.ts';
import { deletePersona, upsertPersonas } from '../../database/personas.ts';
import type { Queryable } from '../../database/queryable.ts';
import { insertRatings } from '../../database/ratings.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { insertRevocation } from '../../database/revocations.ts';
import { eraseUser } from '../../database/users.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { batchOf } from './batch.ts';
import { impersonal, listTellingColumns, personal } from './personal-data.ts';
import {
  auditSome,
  leaseSome,
  seedAnswer,
  seedConversationAnalysis,
  seedIdempotentAnswer,
  seedLogin,
  seedReview,
  seedSession,
  seedSupport,
  seedTexts,
  seedWebhook,
} from './seed.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

/** Of these, an erasure deletes all rows of the organization. */
const emptied = ['cached_answers', 'idempotent_answers', 'live_events'];

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
test('each column is listed as personal or not', async () => {
  const columns = [...Object.keys(personal), ...impersonal];
  assert.deepEqual(columns, [...new Set(columns)], 'a column is listed twice');
  assert.deepEqual(
    (await listTellingColumns(database.owner)).sort(),
    columns.sort(),
    'add the column to test/database/personal-data.ts; where it is about a person, also to erase_user',
  );
});

describe('an erasure', () => {
  let tenant: Tenant;
  let ada: string;
  let stranger: string | undefined;
  let earlier: Values;
  let later: Values;
  let rowsOfBobEarlier: Values;
  let rowsOfBobLater: Values;

  before(async () => {
    tenant = await makeTenant(database);
    ada = userIdOf(tenant.id, 'ada@example.com');
    const bob = userIdOf(tenant.id, 'bob@example.com');
    for (const user of ['ada', 'bob']) await seedUser(database.owner, tenant, user);
    await seedCallsThatName(database.owner, tenant, 'ada');
    const rowsOfBob = async () =>
      filterValues(await readRows(tenant), (row) => namesOneOf(row, 'bob@', bob) && !namesOneOf(row, 'ada@', ada));
    [earlier, rowsOfBobEarlier] = [await readColumns(tenant), await rowsOfBob()];
    stranger = await eraseUser(await connect(scope, tenant.url), ada);
    [later, rowsOfBobLater] = [await readColumns(tenant), await rowsOfBob()];
  });

  const isAdas = (value: string) => namesOneOf(value, 'ada@', Buffer.from('ada@').toString('base64').slice(0, 5), ada);

  for (const [column, effect] of Object.entries(personal)) {
    test(`${column}: ${typeof effect === 'string' ? effect : 'stays'}`, () => {
      const [valuesEarlier, valuesLater] = [earlier.get(column) ?? [], later.get(column) ?? []];
      const [named, stillNamed] = [valuesEarlier.filter(isAdas), valuesLater.filter(isAdas)];
      if (typeof effect === 'object') {
        assert.deepEqual(stillNamed, named);
        return;
      }
      assert.ok(named.length > 0, 'let seedUser name the person in this column, so that this proves something');
      assert.equal(stillNamed.length, effect === 'emptied once deleted' ? named.length / 2 : 0, String(stillNamed));
      const added = valuesLater.filter((value) => !valuesEarlier.includes(value));
      if (effect === 'anonymous id') assert.ok(added.length > 0 && added.every((value) => value === `"${stranger}"`));
      if (effect === 'anonymous name') assert.ok(added.length > 0 && added.every((value) => /^"erased-/.test(value)));
      const gone = valuesEarlier.length - valuesLater.length;
      const expected = { 'row deleted': named.length, 'all rows deleted': valuesEarlier.length }[String(effect)] ?? 0;
      assert.equal(gone, expected, 'rows that were deleted');
      const isNull = (value: string) => value === 'null';
      const nulls = valuesLater.filter(isNull).length - valuesEarlier.filter(isNull).length;
      if (effect === 'null') assert.equal(nulls, named.length);
    });
  }

  test('leaves the rows of others unchanged', () => {
    const tables = [...new Set(Object.keys(personal).map(tableOf))].filter(
      (table) => !['erased_users', 'quoting_calls', 'organizations', ...emptied].includes(table),
    );
    for (const table of tables) assert.ok((rowsOfBobEarlier.get(table)?.length ?? 0) > 0, `${table} has no row of bob`);
    const without = (values: Values) => [...values].filter(([table]) => !emptied.includes(table));
    assert.deepEqual(without(rowsOfBobLater), without(rowsOfBobEarlier));
  });

  test('does not change columns that are not personal', () => {
    for (const column of impersonal) assert.deepEqual(earlier.get(column)?.filter(isAdas), [], column);
  });
});

/** JSON texts by column or by table. */
type Values = ReadonlyMap<string, readonly string[]>;

const tableOf = (column: string) => column.slice(0, column.indexOf('.'));

function namesOneOf(json: string, ...names: readonly string[]): boolean {
  return names.some((name) => json.includes(name));
}

function filterValues(values: Values, isWanted: (value: string) => boolean): Values {
  return new Map([...values].map(([key, all]) => [key, all.filter(isWanted)]));
}

async function readColumns({ id }: Tenant): Promise<Values> {
  const columns = [...Object.keys(personal), ...impersonal];
  return new Map(
    await inTurn(columns, async (column) => [
      column,
      await readJson(
        `select to_jsonb(${column}) as value from chaperone.${tableOf(column)} where organization_id = $1`,
        id,
      ),
    ]),
  );
}

async function readRows({ id }: Tenant): Promise<Values> {
  const tables = [...new Set(Object.keys(personal).map(tableOf))];
  return new Map(
    await inTurn(tables, async (table) => [
      table,
      await readJson(
        `select to_jsonb(t) as value from chaperone.${table} t where organization_id = $1 order by t::text`,
        id,
      ),
    ]),
  );
}

async function inTurn<T, U>(items: readonly T[], use: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await use(item));
  return results;
}

/** Values as JSON texts, with bytes as the text that the seed gave them. */
async function readJson(sql: string, organizationId: string): Promise<string[]> {
  const { rows } = await database.owner.query<{ value: unknown }>(sql, [organizationId]);
  return rows.map(({ value }) =>
    JSON.stringify(value).replaceAll(/\\\\x([0-9a-f]+)/g, (_, hex: string) =>
      Buffer.from(hex, 'hex').toString('latin1'),
    ),
  );
}

/** Fills every personal column with values that begin with the person's name and `@`, or with the id. */
async function seedUser(db: Queryable, { id: organizationId }: Tenant, name: string): Promise<void> {
  const said = (what: string) => `${name}@${what}`;
  const user = { user_id: userIdOf(organizationId, said('example.com')), user_external_id: said('example.com') };
  const called: Partial<RequestRecord> = {
    ...user,
    session_id: said('session'),
    turn_id: said('turn'),
    client_name: said('client'),
    client_version: said('version'),
    safety_identifier: said('safety'),
    end_user: said('end'),
    // A UUID that is found as the person's own.
    conversation_id: user.user_id,
    branch_id: 'branch-0123abcd',
    message_digest: 1,
    new_messages: 1,
  };
  const record = makeRecord(organizationId, called);
  await insertRequests(
    db,
    organizationId,
    batchOf([record], () => said('contents')),
  );
  // Where earlier versions have them.
  await db.query(
    `update chaperone.request_contents set input_encrypted = $3, output_encrypted = $4
     where organization_id = $1 and request_id = $2`,
    [organizationId, record.request_id, Buffer.from(said('input')), Buffer.from(said('output'))],
  );
  await db.query('select chaperone.fold_usage_of($1::uuid, true)', [organizationId]);
  await seedLogin(db, organizationId, user.user_id);
  await seedTexts(db, organizationId, user.user_id, said);
  await seedReview(db, organizationId, user.user_id, said);
  await seedAnswer(db, organizationId, said('answer'));
  await seedIdempotentAnswer(db, organizationId, said('answer'));
  await db.query('update chaperone.users set display_name = $3 where organization_id = $1 and user_id = $2', [
    organizationId,
    user.user_id,
    said('display'),
  ]);
  const pending = {
    ...makeRecord(organizationId, { ...called, response_id: `resp_${randomUUID()}` }),
    input_sealed: Buffer.from(said('input')).toString('base64'),
    output_sealed: null,
  };
  await insertPendingCalls(db, organizationId, JSON.stringify([pending]));
  await keepJobIntent(db, organizationId, { jobId: '1', workerId: 'w', record: makeRecord(organizationId, called) });
  await auditSome(db, organizationId, said('example.com'));
  await seedWebhook(db, organizationId, resourceIdOf(organizationId, 'Webhook', 'all'), 'all');
  await db.query(`select chaperone.emit_event_of($1::uuid, 'analysis.completed', $2::text, $3::uuid, $4::jsonb)`, [
    organizationId,
    said('subject'),
    user.user_id,
    { conversation_id: said('conversation') },
  ]);
  const analysis = {
    organizationId,
    cacheKey: Buffer.from(said('cache')),
    resultSealed: Buffer.from(said('result')),
    analysisConfigId: null,
    requestId: record.request_id,
    userId: user.user_id,
  };
  await insertAnalysisResult(db, analysis, 60_000);
  await seedConversationAnalysis(db, organizationId, user.user_id, said);
  const rating = {
    rating_id: randomUUID(),
    request_id: record.request_id,
    response_id: null,
    user_id: user.user_id,
    rating: 1,
    feedback: said('feedback'),
    rated_by: user.user_id,
    rated_at: record.started_at,
  };
  await insertRatings(db, organizationId, JSON.stringify([rating]));
  const resource = {
    resource_id: `file-${randomUUID()}`,
    kind: 'file',
    user_id: user.user_id,
    api_key_id: randomUUID(),
    created_at: record.started_at,
    deleted_at: null,
  };
  await insertOwnedResources(db, organizationId, JSON.stringify([resource]));
  const inSession = { userId: user.user_id, sessionId: said('session'), turnId: said('turn') };
  await seedSession(db, organizationId, inSession, said);
  await seedSupport(db, organizationId, user.user_id, said);
  await leaseSome(db, organizationId, 'User', user.user_id);
  await leaseSome(db, organizationId, 'Session', `${user.user_id}/${said('session')}`);
  await seedConfiguration(db, organizationId, said('example.com'));
}

/** Configuration that names the user: live and deleted. */
async function seedConfiguration(db: Queryable, organizationId: string, userExternalId: string): Promise<void> {
  await insertRevocation(db, {
    organizationId,
    kind: 'user',
    userId: userExternalId,
    issuedBefore: new Date(),
    expiresAt: null,
  });
  await db.query(
    `update chaperone.organizations set spec = spec || jsonb_build_object($2::text, $2::text) where organization_id = $1`,
    [organizationId, userExternalId],
  );
  for (const isLive of [true, false]) {
    const [apiKeyId, personaId] = [randomUUID(), randomUUID()];
    await upsertApiKeys(db, [
      {
        organizationId,
        apiKeyId,
        resource: `team/${apiKeyId}`,
        servesNamespace: null,
        provider: 'openai',
        userExternalId,
        models: null,
        keySealed: Buffer.from('sealed'),
        fingerprint: 'f'.repeat(16),
        syntheticKeySha256: Buffer.alloc(32, 1),
        roles: null,
        rules: { limits: [{ match: { users: [userExternalId] } }] },
        isActive: true,
        expiresAt: null,
      },
    ]);
    await upsertPersonas(db, [
      {
        organizationId,
        personaId,
        resource: `team/${personaId}`,
        servesNamespace: null,
        name: personaId,
        description: null,
        contentSealed: Buffer.from('sealed'),
        users: [userExternalId, 'someone'],
        model: null,
        parameters: { user: userExternalId },
        isActive: true,
      },
    ]);
    if (isLive) continue;
    await deleteApiKey(db, organizationId, apiKeyId);
    await deletePersona(db, organizationId, personaId);
  }
}

/** Calls of another user whose body names the person. */
async function seedCallsThatName(db: Queryable, { id: organizationId }: Tenant, name: string): Promise<void> {
  const naming: Partial<RequestRecord> = {
    user_id: userIdOf(organizationId, 'service'),
    user_external_id: 'service',
    safety_identifier: `${name}@example.com`,
    end_user: `${name}@example.com`,
  };
  await insertRequests(db, organizationId, batchOf([makeRecord(organizationId, naming)]));
  const pending = makeRecord(organizationId, { ...naming, response_id: `resp_${randomUUID()}` });
  await insertPendingCalls(db, organizationId, JSON.stringify([pending]));
  await keepJobIntent(db, organizationId, { jobId: '1', workerId: 'w', record: makeRecord(organizationId, naming) });
}
