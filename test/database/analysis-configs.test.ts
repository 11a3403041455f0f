import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { type Client, DatabaseError } from 'pg';
import {
  insertAnalysisConfig,
  listAnalysisConfigs,
  readAnalysisConfig,
  readAnalysisConfigByName,
  readAnalysisTemplate,
  retireAnalysisConfig,
  updateAnalysisConfig,
  upsertAnalysisConfigs,
} from '../../database/analysis-configs.ts';
import { findAnalysisResult, insertAnalysisResult } from '../../database/analysis-results.ts';
import { suiteScope } from '../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let tenant: Tenant;
let db: Client;

before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
  db = await connect(scope, tenant.url);
});
function config(name: string) {
  return {
    organizationId: tenant.id,
    analysisConfigId: randomUUID(),
    name,
    description: null,
    configSealed: Buffer.from('sealed'),
  };
}

const classification = { kind: 'classification' } as const;

const refusedWith = (code: string) => (error: unknown) => error instanceof DatabaseError && error.code === code;

test('a tenant makes and changes configs, but only reads those of a resource', async () => {
  const owned = { ...config('owned'), ...classification, resource: 'team/owned', servesNamespace: null };
  await upsertAnalysisConfigs(database.owner, [owned]);
  const own = await insertAnalysisConfig(db, { ...config('own'), isActive: true });
  assert.equal(own.resource, null);

  const renamed = await updateAnalysisConfig(db, tenant.id, own.analysisConfigId, { name: 'mine', isActive: false });
  assert.deepEqual([renamed?.name, renamed?.isActive, renamed?.description], ['mine', false, null]);
  assert.equal(await updateAnalysisConfig(db, tenant.id, owned.analysisConfigId, { name: 'mine too' }), undefined);
  assert.equal(await retireAnalysisConfig(db, tenant.id, owned.analysisConfigId), undefined);

  // Nor by statements that no function of ours makes.
  await db.query(`update chaperone.analysis_configs set description = 'changed'`);
  assert.equal((await readAnalysisConfig(db, tenant.id, [], owned.analysisConfigId))?.description, null);
  assert.equal((await readAnalysisConfig(db, tenant.id, [], own.analysisConfigId))?.description, 'changed');
  await assert.rejects(db.query(`update chaperone.analysis_configs set resource = 'team/mine'`), refusedWith('42501'));
  await assert.rejects(db.query('delete from chaperone.analysis_configs'), refusedWith('42501'));
});

test('a name is taken as long as its config exists', async () => {
  const first = await insertAnalysisConfig(db, { ...config('taken'), isActive: true });
  await assert.rejects(insertAnalysisConfig(db, { ...config('taken'), isActive: true }), refusedWith('23505'));
  assert.equal(await retireAnalysisConfig(db, tenant.id, first.analysisConfigId), 'deleted');
  assert.equal(await readAnalysisConfig(db, tenant.id, [], first.analysisConfigId), undefined);
  const second = await insertAnalysisConfig(db, { ...config('taken'), isActive: true });

  const result = {
    organizationId: tenant.id,
    cacheKey: Buffer.alloc(32, 7),
    resultSealed: Buffer.from('first'),
    analysisConfigId: second.analysisConfigId,
    requestId: 'req_1',
    userId: randomUUID(),
  };
  await insertAnalysisResult(db, result, 60_000);
  await insertAnalysisResult(db, { ...result, resultSealed: Buffer.from('second') }, 60_000);
  assert.equal(String(await findAnalysisResult(db, tenant.id, result.cacheKey, 60_000)), 'first');
  assert.equal(await findAnalysisResult(db, tenant.id, Buffer.alloc(32, 8), 60_000), undefined);
  assert.equal(await retireAnalysisConfig(db, tenant.id, second.analysisConfigId), 'deactivated');
  assert.equal((await readAnalysisConfig(db, tenant.id, [], second.analysisConfigId))?.isActive, false);
});

test('a list has a page, and the total number', async () => {
  const other = await makeTenant(database);
  const asOther = await connect(scope, other.url);
  const list = (isActive: boolean | undefined, limit: number, offset: number) =>
    listAnalysisConfigs(asOther, other.id, [], { isActive, limit, offset });
  assert.deepEqual(await list(undefined, 10, 0), { configs: [], total: 0 });
  for (const name of ['c', 'a', 'b']) {
    await insertAnalysisConfig(asOther, { ...config(name), organizationId: other.id, isActive: name !== 'b' });
  }
  const names = async (isActive: boolean | undefined, limit: number, offset: number) => {
    const { configs, total } = await list(isActive, limit, offset);
    return [configs.map(({ name }) => name).join(''), total];
  };
  assert.deepEqual(await names(undefined, 10, 0), ['abc', 3]);
  assert.deepEqual(await names(undefined, 1, 1), ['b', 3]);
  assert.deepEqual(await names(true, 10, 0), ['ac', 2]);
  assert.deepEqual(await names(false, 10, 0), ['b', 1]);
  assert.deepEqual(await names(undefined, 10, 5), ['', 3]);
});

test('a config of one namespace is visible only there, and takes no name from others', async () => {
  const { id } = await makeTenant(database);
  const put = async (resource: string, servesNamespace: string | null) => {
    const row = { ...config('intent'), ...classification, organizationId: id, resource, servesNamespace };
    await upsertAnalysisConfigs(database.owner, [row]);
    return row.analysisConfigId;
  };
  const [shop, bank, shared] = [await put('shop/c', 'shop'), await put('bank/c', 'bank'), await put('team/c', null)];
  await assert.rejects(put('shop/other', 'shop'), refusedWith('23505'));
  const byId = (namespaces: string[], config: string) => readAnalysisConfig(database.owner, id, namespaces, config);
  assert.equal((await byId(['shop'], shop))?.servesNamespace, 'shop');
  assert.equal(await byId(['bank'], shop), undefined);
  assert.equal((await byId([], shared))?.servesNamespace, null);
  const byName = async (namespaces: string[]) =>
    (await readAnalysisConfigByName(database.owner, id, namespaces, 'intent'))?.analysisConfigId;
  assert.deepEqual([await byName(['shop']), await byName(['bank']), await byName([])], [shop, bank, shared]);
  const page = { isActive: undefined, limit: 10, offset: 0 };
  const { configs, total } = await listAnalysisConfigs(database.owner, id, ['shop'], page);
  assert.deepEqual([configs.map(({ analysisConfigId }) => analysisConfigId), total], [[shop, shared], 2]);
});

test('a template is found by its name only, and is no config', async () => {
  const other = await makeTenant(database);
  const asOther = await connect(scope, other.url);
  const put = async (name: string, servesNamespace: string | null) => {
    const row = { ...config(name), organizationId: other.id, resource: `team/${name}`, servesNamespace };
    await upsertAnalysisConfigs(database.owner, [{ ...row, kind: 'template' }]);
    return row.analysisConfigId;
  };
  const [shared, shop] = [await put('audit', null), await put('audit', 'shop')];
  const found = async (namespaces: string[], name = 'audit') =>
    (await readAnalysisTemplate(asOther, namespaces, name))?.analysisConfigId;
  assert.deepEqual([await found([]), await found(['shop']), await found([], 'other')], [shared, shop, undefined]);
  assert.equal(await readAnalysisTemplate(db, [], 'audit'), undefined, 'for another organization');
  assert.equal(await readAnalysisConfig(asOther, other.id, [], shared), undefined);
  assert.equal(await readAnalysisConfigByName(asOther, other.id, [], 'audit'), undefined);
  const page = { isActive: undefined, limit: 10, offset: 0 };
  assert.equal((await listAnalysisConfigs(asOther, other.id, ['shop'], page)).total, 0);
  // What sidecars ask that know no templates.
  const { rows } = await asOther.query(
    `select analysis_config_id, name, config_encrypted from chaperone.analysis_configs
     where organization_id = $1::uuid and deleted_at is null
       and (serves_namespace is null or serves_namespace = any($2::text[]))`,
    [other.id, ['shop']],
  );
  assert.deepEqual(rows, []);
  // Its name is taken for all of them.
  await assert.rejects(
    insertAnalysisConfig(asOther, { ...config('audit'), organizationId: other.id, isActive: true }),
    refusedWith('23505'),
  );
});
