import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Client } from 'pg';
import { pino } from 'pino';
import { foldUsage } from '../../database/analytics/fold.ts';
import { listUncheckedConstraints } from '../../database/figures.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { makeDirectoryCluster } from '../../operator/cluster/directory.ts';
import { startOperator } from '../../operator/operator.ts';
import { batchOf } from '../database/batch.ts';
import { connect } from '../database/tenant.ts';
import { copyQuickstart, makeDirectory } from '../directories.ts';
import { makeFormerDatabase, makeFormerTenant } from '../former-database.ts';
import { makeRecord } from '../request-record.ts';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';

/** The last migration of the version before logins had limits and records had bounds. */
const former = '000012.sql';

async function startOver(t: TestContext, databaseUrl: string) {
  const [directory, stateDirectory] = [await copyQuickstart(t), await makeDirectory(t)];
  const cluster = makeDirectoryCluster({ directory, stateDirectory, environment: {}, onProblem: () => {} });
  await cluster.start();
  const operator = await startOperator({ cluster, databaseUrl, resyncMs: 200, log: pino({ level: 'silent' }) });
  atEnd(t, async () => {
    await operator.stop();
    await cluster.close();
  });
  return operator;
}

/** A record as a former proxy, or whoever had its password, inserted it. */
async function insertFormer(owner: Client, organizationId: string, record: Record<string, unknown>) {
  const { user_external_id: _, ...columns } = record;
  await owner.query(
    'insert into chaperone.requests select (json_populate_record(null::chaperone.requests, $1::json)).*',
    [JSON.stringify({ organization_id: organizationId, ...columns })],
  );
}

test('an upgrade removes implausible figures from records and sums', async (t) => {
  const { url, owner } = await makeFormerDatabase(t, former);
  const tenant = await makeFormerTenant(owner, url, 'acme');
  await owner.query('select chaperone.ensure_request_partitions(now())');
  const insert = (changes: { readonly [Name in keyof RequestRecord]?: unknown }) =>
    insertFormer(owner, tenant.id, {
      ...makeRecord(tenant.id, { input_tokens: 40, output_tokens: 60, total_tokens: 100, cost_usd: '1.5' }),
      ...changes,
    });
  const day = '2026-06-03';
  for (let count = 0; count < 3; count += 1) await insert({ started_at: `${day}T0${count}:00:00Z` });
  await insert({ started_at: `${day}T04:00:00Z`, cost_usd: '-99999.5' });
  await insert({ started_at: `${day}T05:00:00Z`, total_tokens: -1_000, duration_ms: -5 });
  await owner.query('select chaperone.fold_usage_of($1, true)', [tenant.id]);
  // These jam every fold.
  await insert({ total_tokens: '9223372036854775807' });
  await insert({ total_tokens: '9223372036854775807' });
  await insert({ cost_usd: 'NaN' });
  await insert({ started_at: 'infinity' });
  await assert.rejects(owner.query('select chaperone.fold_usage_of($1, true)', [tenant.id]));

  await startOver(t, url);
  const unchecked = async () => (await listUncheckedConstraints(owner)).map(({ constraint }) => constraint);
  // A record of no time stays where it is; no sum has it.
  await until(
    async () => (await unchecked()).every((constraint) => constraint === 'requests_started_at_check'),
    'every other constraint to hold for all records',
  );
  const { rows } = await owner.query(
    `select count(*)::int as count from chaperone.requests
     where organization_id = $1 and (cost_usd < 0 or cost_usd = 'NaN' or total_tokens not between 0 and 1e12)`,
    [tenant.id],
  );
  assert.deepEqual(rows, [{ count: 0 }]);
  for (const [table, grain] of [
    ['daily_usage', "grain = 'user'"],
    ['weekly_usage', "grain = 'both'"],
    ['session_usage', 'true'],
  ] as const) {
    const { rows: sums } = await owner.query(
      `select sum(total_tokens)::int as tokens, sum(cost_usd)::float8 as cost, sum(unpriced_count)::int as unpriced
       from chaperone.${table} where organization_id = $1 and ${grain}`,
      [tenant.id],
    );
    // Three good ones, and the tokens of those whose cost alone was none.
    assert.deepEqual(sums, [{ tokens: 500, cost: 4.5, unpriced: 5 }], table);
  }
});

test('existing roles get their limits at an upgrade, and older proxies continue', async (t) => {
  const { url, owner } = await makeFormerDatabase(t, former);
  const tenant = await makeFormerTenant(owner, url, 'acme');
  const retained = await makeFormerTenant(owner, url, 'gone');
  await owner.query('update chaperone.organizations set deleted_at = now() where organization_id = $1', [retained.id]);
  const proxy = await connect(t, tenant.url);
  const operator = await startOver(t, url);
  await operator.idle();
  const unlimited = async () => {
    const { rows } = await owner.query<{ role: string }>(
      `select rolname as role from pg_roles join chaperone.organization_roles on role_name = rolname
       where rolconnlimit = -1 or not chaperone.has_organization_role_settings(rolname) or limited_at is null`,
    );
    return rows.map(({ role }) => role);
  };
  await until(async () => (await unlimited()).length === 0, 'all roles to have limits');
  // What a former proxy says on the connection that it has.
  const early = new Date(Date.now() + 400 * 24 * 3_600_000).toISOString();
  const records = [makeRecord(tenant.id), makeRecord(tenant.id, { started_at: early })];
  for (const { started_at } of records)
    await proxy.query('select chaperone.ensure_request_partitions($1)', [started_at]);
  await insertRequests(proxy, tenant.id, batchOf(records));
  await proxy.query('select chaperone.fold_usage(true)');
  await foldUsage(proxy);
  const { rows } = await proxy.query(
    `select sum(completed_count)::int as count from chaperone.daily_usage where grain = 'user'`,
  );
  assert.deepEqual(rows, [{ count: 2 }]);
});
