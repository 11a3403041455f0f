import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { foldAllUsage } from '../../database/analytics/fold.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import { type RetentionOptions, readRetentionStates, removePastRecords } from '../../database/retention.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { batchOf } from './batch.ts';
import { seedEveryTable } from './seed.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, organizationSpec, type Tenant } from './tenant.ts';

const dayMs = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * dayMs);
const keeping = (retention: string) => ({ ...organizationSpec, storage: { ...organizationSpec.storage, retention } });

/** Tables of which retention takes nothing, by the reason. */
const stays: Readonly<Record<string, readonly string[]>> = {
  'It is configuration, and says who there is.': [
    ...['organizations', 'organization_roles', 'config_versions', 'api_keys', 'personas', 'analysis_configs', 'users'],
    ...['webhooks', 'webhook_states', 'knowledge_articles', 'knowledge_passages', 'knowledge_terms'],
    ...['knowledge_versions', 'knowledge_vectors', 'knowledge_spaces', 'revocations', 'erased_users', 'access_keys'],
    ...['support_rotas', 'accounts', 'model_deployments'],
  ],
  'It says how a model was trained, which may be served for years.': ['training_jobs'],
  'Sums of days outlive the calls.': [
    'daily_usage',
    'weekly_usage',
    'session_spans',
    'facet_spans',
    'fold_turns',
    'unfolded_usage',
    'support_days',
    'sentiment_days',
    'issue_days',
  ],
  'Limits and budgets count on, and delete what is past themselves.': [
    ...['quota_counters', 'quota_leases', 'budget_warnings', 'provider_pauses', 'call_bounds'],
  ],
  'The audit log has a retention of its own.': [
    ...['audit_chains', 'audit_checkpoints', 'audit_log', 'audit_people', 'audit_resources'],
  ],
  'It has an end of its own, within days.': [
    ...[
      'answer_leases',
      'cached_answers',
      'cached_bytes',
      'pending_calls',
      'job_calls',
      'quoting_calls',
      'job_intents',
    ],
    'idempotent_answers',
    'login_attempts',
    'live_events',
    'live_numbers',
  ],
  'It ends within 30 days: that is the longest a login can be refreshed.': ['logins'],
  'A provider keeps what it is about, whose owner must be known.': ['owned_resources'],
  'It says what retention has done.': ['retention_states'],
};

describe('storage.retention', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  before(async () => {
    database = await openDatabase(scope);
  });

  const remove = async (options: Partial<RetentionOptions> = {}) => {
    const seen = { removed: 0, steps: 0, dropped: [] as string[], failures: [] as unknown[] };
    await removePastRecords(database.owner, {
      onRemoved(_, rows) {
        seen.removed += rows;
        seen.steps += 1;
      },
      onDropped: (partition) => void seen.dropped.push(partition),
      onFailure: (what, error) => void seen.failures.push([what, error]),
      ...options,
    });
    return seen;
  };
  const value = async <T>(sql: string, values: unknown[] = []): Promise<T> => {
    const { rows } = await database.owner.query<{ value: T }>(`select (${sql}) as value`, values);
    return rows[0]?.value as T;
  };
  const tablesOf = async () => {
    const { rows } = await database.owner.query<{ name: string }>(
      `select c.relname as name from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
       where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       order by 1`,
    );
    return rows.map(({ name }) => name);
  };
  const countRows = async ({ id }: Tenant) => {
    const counts: Record<string, number> = {};
    for (const table of await tablesOf()) {
      counts[table] = await value(`select count(*)::integer from chaperone.${table} where organization_id = $1`, [id]);
    }
    return counts;
  };
  /** Makes everything older that an organization has, but for the audit log, which nobody can change. Ratings age their sums. */
  const age = async ({ id }: Tenant, days: number) => {
    const { rows } = await database.owner.query<{ table: string; columns: string }>(
      `select c.relname as table, string_agg(format(case
           when a.atttypid = 'timestamptz[]'::regtype then '%1$I = array(select at - $2 * interval ''1 day'' from unnest(%1$I) at)'
           when a.atttypid = 'date'::regtype then '%1$I = %1$I - $2::integer'
           else '%1$I = %1$I - $2 * interval ''1 day''' end, a.attname), ', ') as columns
       from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
           and a.atttypid in ('timestamptz'::regtype, 'date'::regtype, 'timestamptz[]'::regtype)
       where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
         and c.relname !~ '^audit_|^(migrations|workers|resource_requests|ratings_by_day)$'
       group by 1`,
    );
    for (const { table, columns } of rows) {
      await database.owner.query(`update chaperone.${table} set ${columns} where organization_id = $1`, [id, days]);
    }
  };
  const store = (tenant: Tenant, days: readonly number[]) => {
    const records = days.map((each) => makeRecord(tenant.id, { started_at: ago(each).toISOString() }));
    return insertRequests(
      database.owner,
      tenant.id,
      batchOf(records, () => 'sealed'),
    );
  };
  const makePartition = (days: number) =>
    database.owner.query('select chaperone.make_request_partitions($1)', [ago(days)]);
  const daysLeft = ({ id }: Tenant, table = 'requests') =>
    value<number[] | null>(
      `select array_agg(round(extract(epoch from now() - started_at) / 86400)::integer order by started_at)
       from chaperone.${table} where organization_id = $1`,
      [id],
    );
  const sums = ({ id }: Tenant) =>
    value(
      `select json_agg(row(day, kind, model, completed_count, total_tokens, cost_usd) order by day)
       from chaperone.daily_usage where organization_id = $1 and grain = 'user'`,
      [id],
    );

  it('takes every table that is about calls, of the organization that asks for it', async () => {
    const kept = await makeTenant(database);
    const forgetful = await makeTenant(database, keeping('720h'));
    for (const tenant of [kept, forgetful]) {
      await seedEveryTable(database.owner, tenant);
      // Analyses and deliveries that have ended.
      await database.owner.query(
        `update chaperone.conversation_analyses set status = 'completed', completed_at = now() where organization_id = $1`,
        [tenant.id],
      );
      await database.owner.query(
        `update chaperone.webhook_deliveries set state = 'delivered', ended_at = now() where organization_id = $1`,
        [tenant.id],
      );
      await age(tenant, 100);
    }
    await foldAllUsage(database.owner);
    const before = await countRows(kept);
    const sumsBefore = await sums(forgetful);
    const { failures } = await remove();
    assert.deepEqual(failures, []);
    assert.deepEqual(await countRows(kept), before);
    assert.deepEqual(await sums(forgetful), sumsBefore);
    const left = await countRows(forgetful);
    const reasoned = Object.values(stays).flat();
    for (const table of await tablesOf()) {
      assert.ok((before[table] ?? 0) > 0 || reasoned.includes(table), `${table} is seeded`);
      assert.equal((left[table] ?? 0) === 0, !reasoned.includes(table) || before[table] === 0, table);
    }
  });

  it('keeps what is younger, to the day, removes in steps, and says how far it is', async () => {
    const tenant = await makeTenant(database, keeping('720h'));
    await store(tenant, [100, 90, 80, 70, 60, 31.5, 29, 1]);
    await foldAllUsage(database.owner);
    const before = await sums(tenant);
    const { failures, steps } = await remove({ stepRows: 2 });
    assert.deepEqual(failures, []);
    assert.ok(steps >= 6, `${steps} steps`);
    assert.deepEqual(await daysLeft(tenant), [29, 1]);
    assert.deepEqual(await daysLeft(tenant, 'request_contents'), [29, 1]);
    assert.deepEqual(await sums(tenant), before);
    const state = (await readRetentionStates(database.owner)).find(
      ({ organizationId }) => organizationId === tenant.id,
    );
    assert.equal(state?.removedCalls, 6);
    const keptFrom = state?.keptFrom?.toISOString() ?? '';
    assert.match(keptFrom, /T00:00:00\.000Z$/);
    assert.equal(keptFrom.slice(0, 10), ago(30).toISOString().slice(0, 10));
  });

  it('drops a month that nobody keeps, without waiting for who reads, and not what another organization keeps', async () => {
    await database.owner.query(`update chaperone.organizations set spec = spec #- '{storage,retention}'`);
    const some = await makeTenant(database, keeping('720h'));
    const other = await makeTenant(database, keeping('4380h'));
    await makePartition(200);
    await makePartition(100);
    await store(some, [200, 100]);
    await store(other, [200, 100]);
    await foldAllUsage(database.owner);
    const before = [await sums(some), await sums(other)];
    const nameOf = (days: number) => `requests_${ago(days).toISOString().slice(0, 7).replace('-', '_')}`;
    const exists = (days: number) => value<boolean>(`select to_regclass('chaperone.${nameOf(days)}') is not null`);

    const reader = await connect(scope, database.url);
    await reader.query('begin; lock table chaperone.requests in access share mode');
    const held = await remove();
    assert.deepEqual(held.failures, []);
    assert.equal(await exists(200), true);
    await reader.query('rollback');
    // Deleted in steps meanwhile, but for what the other one keeps.
    assert.deepEqual([await daysLeft(some), await daysLeft(other)], [null, [100]]);

    await store(some, [200]);
    await foldAllUsage(database.owner);
    const { dropped, failures } = await remove();
    assert.deepEqual(failures, []);
    assert.ok(dropped.includes(nameOf(200)), String(dropped));
    assert.deepEqual([await exists(200), await exists(100)], [false, true]);
    assert.deepEqual(await daysLeft(other), [100]);
    assert.deepEqual(await sums(other), before[1]);
  });

  it('leaves calls that the sums do not have yet', async () => {
    const tenant = await makeTenant(database, keeping('720h'));
    await store(tenant, [50]);
    const step = () =>
      value<string>('chaperone.delete_past_records($1, $2, $3)', [tenant.id, 'calls', 100]).then(Number);
    assert.equal(await step(), 0);
    await foldAllUsage(database.owner);
    assert.equal(await step(), 1);
    assert.equal(Array.isArray(await sums(tenant)), true);
  });
});
