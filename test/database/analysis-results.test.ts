import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import {
  type AnalysisResultWrite,
  deleteExpiredAnalysisResults,
  findAnalysisResult,
  insertAnalysisResult,
} from '../../database/analysis-results.ts';
import type { Queryable } from '../../database/queryable.ts';
import { suiteScope } from '../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
const hourMs = 3_600_000;

const resultOf = ({ id }: Tenant, text: string): AnalysisResultWrite => ({
  organizationId: id,
  cacheKey: Buffer.alloc(32, 7),
  resultSealed: Buffer.from(text),
  analysisConfigId: null,
  requestId: `req_${text}`,
  userId: randomUUID(),
});
const find = async (db: Queryable, { id }: Tenant, lifetimeMs: number) => {
  const found = await findAnalysisResult(db, id, Buffer.alloc(32, 7), lifetimeMs);
  return found && String(found);
};
/** As if it had been made by so much earlier. */
const age = (tenant: Tenant, interval: string) =>
  database.owner.query(
    'update chaperone.analysis_results set created_at = created_at - $2::interval where organization_id = $1',
    [tenant.id, interval],
  );

test('a result is found until it is too old, and is then replaced', async () => {
  const tenant = await makeTenant(database);
  const db = await connect(scope, tenant.url);
  await insertAnalysisResult(db, resultOf(tenant, 'first'), hourMs);
  await insertAnalysisResult(db, resultOf(tenant, 'second'), hourMs);
  assert.equal(await find(db, tenant, hourMs), 'first');
  await age(tenant, '59 minutes');
  assert.equal(await find(db, tenant, hourMs), 'first');
  await age(tenant, '1 minute');
  assert.equal(await find(db, tenant, hourMs), undefined);
  assert.equal(await find(db, tenant, 2 * hourMs), 'first');
  await insertAnalysisResult(db, resultOf(tenant, 'third'), hourMs);
  assert.equal(await find(db, tenant, hourMs), 'third');
});

test('expired results are deleted, by each organization’s own lifetime', async () => {
  const lifetimes: readonly (readonly [string | undefined, age: string, isKept: boolean])[] = [
    ['1h', '61 minutes', false],
    ['1h', '59 minutes', true],
    ['1h30m', '89 minutes', true],
    ['99999h', '1 year', true],
    ['60000ms', '2 minutes', false],
    [undefined, '29 days', true],
    [undefined, '31 days', false],
  ];
  const tenants = [];
  for (const [lifetime, interval] of lifetimes) {
    const tenant = await makeTenant(database);
    const storage = lifetime === undefined ? {} : { analysisLifetime: lifetime };
    await database.owner.query(`update chaperone.organizations set spec = $2 where organization_id = $1`, [
      tenant.id,
      { storage },
    ]);
    await insertAnalysisResult(database.owner, resultOf(tenant, 'it'), hourMs);
    await age(tenant, interval);
    tenants.push(tenant);
  }
  assert.equal(await deleteExpiredAnalysisResults(database.owner), lifetimes.filter(([, , isKept]) => !isKept).length);
  for (const [index, [lifetime, interval, isKept]] of lifetimes.entries()) {
    const { rowCount }: { rowCount: number | null } = await database.owner.query(
      'select from chaperone.analysis_results where organization_id = $1',
      [tenants[index]?.id],
    );
    assert.equal(rowCount === 1, isKept, `${interval} of ${lifetime}`);
  }
});
