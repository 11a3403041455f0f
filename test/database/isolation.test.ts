import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Client, DatabaseError } from 'pg';
import { resourceIdOf, userIdOf } from '../../database/ids.ts';
import { suiteScope } from '../scope.ts';
import { findIsolationGaps } from './isolation-rules.ts';
import { seedEveryTable } from './seed.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

interface Relation {
  readonly name: string;
}

/** Not about any organization; the operator's alone. */
const withoutOrganization = ['migrations', 'resource_requests', 'workers'];

/** Both organizations have an answer of this id. */
const idOfAnswer = `'${'answer'.padEnd(32, '.')}'::bytea`;

/** What of the catalog a tenant may call that runs as the owner. A new one needs a line, and a thought. */
const definerCalls: Readonly<Record<string, () => string>> = {
  current_organization_id: () => 'select chaperone.current_organization_id()',
  fold_usage: () => 'select chaperone.fold_usage(true)',
  fold_some_usage: () => 'select chaperone.fold_some_usage(true)',
  note_erasure: () => `select chaperone.note_erasure('${userIdOf(victim.id, 'ada')}')`,
  lease_quota: () => `select chaperone.lease_quota('[]')`,
  settle_quota: () => `select chaperone.settle_quota('0,1,1,1')`,
  find_answer: () => `select * from chaperone.find_answer(${idOfAnswer}, 1e9, gen_random_uuid(), 1000)`,
  hold_answers: () => `select chaperone.hold_answers(array[sha256(${idOfAnswer})], gen_random_uuid(), null)`,
  keep_answer: () =>
    `select chaperone.keep_answer(${idOfAnswer}, 'x', 9, 1000, 1, now(), gen_random_uuid()),
       chaperone.keep_answer(${idOfAnswer}, 'x', 9, 1000, 1000000, now(), gen_random_uuid())`,
  search_passages: () => `select * from chaperone.search_passages('word', 10)`,
  remove_passages: () => `select chaperone.remove_passages('kb_1')`,
  delete_article: () => `select chaperone.delete_article('kb_1')`,
  // What another organization's jobs and dead letters are: test/proxy/surfaces/governance/jobs.test.ts.
  list_jobs: () => 'select * from chaperone.list_jobs(null, 10, 0)',
  retry_job: () => 'select chaperone.retry_job(id) from generate_series(1, 100) id',
  add_job: () => `select chaperone.add_job('task', 'row', null, 1)`,
  read_analysis_template: () => `select * from chaperone.read_analysis_template('{shop}', 'audit')`,
  take_lost_calls: () => 'select chaperone.take_lost_calls(null)',
  emit_event: () => `select chaperone.emit_event('analysis.completed', 'subject', null, '{}')`,
  tell_live: () => `select chaperone.tell_live('queue_update', '{}')`,
  test_webhook: () =>
    `select chaperone.test_webhook(w) from unnest(array['${resourceIdOf(victim.id, 'Webhook', 'all')}'::uuid]) w`,
  append_audit: () => `select chaperone.append_audit('[]')`,
  audit_pseudonyms: () => `select * from chaperone.audit_pseudonyms('[]')`,
  erase_user: () => `select chaperone.erase_user('${userIdOf(victim.id, 'ada')}')`,
};

const scope = suiteScope();
let database: OwnedDatabase;
let victim: Tenant;
let attacker: Tenant;
let asAttacker: Client;

before(async () => {
  database = await openDatabase(scope);
  victim = await makeTenant(database);
  attacker = await makeTenant(database);
  for (const tenant of [victim, attacker]) await seedEveryTable(database.owner, tenant);
  asAttacker = await connect(scope, attacker.url);
});

/** Runs a statement in a transaction of its own that leaves nothing behind. */
async function attempt(client: Client, sql: string, values: readonly unknown[] = []) {
  await client.query('begin');
  try {
    const { rowCount, rows } = await client.query<Record<string, unknown>>(sql, [...values]);
    return { rowCount, rows, refusal: undefined };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { rowCount: 0, rows: [], refusal: error.code };
  } finally {
    await client.query('rollback');
  }
}

async function listRelations(): Promise<Relation[]> {
  const { rows } = await database.owner.query<Relation>(
    `select c.oid::regclass::text as name
     from pg_class c
     where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and c.relname <> all ($1)
     order by c.relname`,
    [withoutOrganization],
  );
  return rows;
}

/** Every row of the victim's, in every table. */
async function victimRows(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { name } of await listRelations()) {
    const { rows } = await database.owner.query<{ rows: unknown }>(
      `select coalesce(jsonb_agg(to_jsonb(t) order by t::text), '[]') as rows from ${name} t where organization_id = $1`,
      [victim.id],
    );
    found[name] = rows[0]?.rows;
  }
  return found;
}

const denied = '42501';

test('the seed has a row of both organizations in every table', async () => {
  for (const { name } of await listRelations()) {
    const { rows } = await database.owner.query<{ count: number }>(
      `select count(distinct organization_id)::int as count from ${name} where organization_id in ($1, $2)`,
      [victim.id, attacker.id],
    );
    assert.equal(rows[0]?.count, 2, `${name}: let seedEveryTable give it a row, so that these tests prove something`);
  }
});

test('no verb reaches another organization’s row in any table', async () => {
  const before = await victimRows();
  for (const relation of await listRelations()) {
    for (const [label, sql] of readsOf(relation)) {
      const { rowCount, refusal } = await attempt(asAttacker, sql);
      assert.ok(refusal === denied || rowCount === 0, `${label} on ${relation.name}: ${rowCount} rows, ${refusal}`);
    }
    const { rows } = await database.owner.query<{ row: object }>(
      `select to_jsonb(t) as row from ${relation.name} t where organization_id = $1`,
      [attacker.id],
    );
    const moved = JSON.stringify({ ...rows[0]?.row, organization_id: victim.id });
    for (const [label, sql] of writesOf(relation, asAttacker.escapeLiteral(moved))) {
      const { refusal } = await attempt(asAttacker, sql);
      assert.ok(refusal === denied || refusal === '0A000', `${label} on ${relation.name}: ${refusal ?? 'was allowed'}`);
    }
  }
  assert.deepEqual(await victimRows(), before);
});

/** Statements that may be refused, and otherwise must find nothing. */
function readsOf({ name }: Relation): [string, string][] {
  const theirs = `organization_id = '${victim.id}'`;
  return [
    ['select', `select 1 from ${name} where ${theirs}`],
    ['select, other than one’s own', `select 1 from ${name} where organization_id <> '${attacker.id}'`],
    ['select for update', `select 1 from ${name} where ${theirs} for update`],
    ['copy to', `copy (select 1 from ${name} where ${theirs}) to stdout`],
    ['update', `update ${name} set organization_id = organization_id where ${theirs}`],
    ['delete', `delete from ${name} where ${theirs}`],
    ['side effect in a condition', `select 1 from ${name} where 1 / (case when ${theirs} then 0 else 1 end) = 0`],
    [
      'merge',
      `merge into ${name} t using (values ('${victim.id}'::uuid)) v (id) on t.organization_id = v.id when matched then delete`,
    ],
  ];
}

/**
 * Statements that must be refused: each would put a row under the other’s id, or act on the table as a whole.
 *
 * @param moved one’s own row with the other’s id, as an SQL literal of JSON
 */
function writesOf({ name }: Relation, moved: string): [string, string][] {
  const row = `select * from jsonb_populate_record(null::${name}, ${moved})`;
  return [
    ['insert', `insert into ${name} ${row}`],
    ['insert on conflict do nothing', `insert into ${name} ${row} on conflict do nothing`],
    ['insert of nothing but the id', `insert into ${name} (organization_id) values ('${victim.id}')`],
    ['update to the other’s id', `update ${name} set organization_id = '${victim.id}'`],
    ['truncate', `truncate ${name}`],
    ['truncate cascade', `truncate ${name} cascade`],
    ['copy from', `copy ${name} from stdin`],
    ['lock', `lock table ${name} in access exclusive mode`],
    ['lock against writers', `lock table ${name} in share mode`],
    ['row security off', `alter table ${name} disable row level security`],
    ['policy', `create policy mine on ${name} using (true)`],
    [
      'trigger',
      `create trigger mine before insert on ${name} execute function pg_catalog.suppress_redundant_updates_trigger()`,
    ],
    ['rule', `create rule mine as on insert to ${name} do nothing`],
    ['index', `create index on ${name} (organization_id)`],
    ['owner', `alter table ${name} owner to current_user`],
    ['drop', `drop table ${name} cascade`],
  ];
}

test('a tenant can read and write its own rows', async () => {
  const { rows } = await asAttacker.query('select organization_id from chaperone.requests');
  assert.deepEqual(rows, [{ organization_id: attacker.id }, { organization_id: attacker.id }]);
  const { rowCount } = await attempt(asAttacker, 'update chaperone.users set display_name = external_id');
  assert.equal(rowCount, 1);
});

test('a tenant can neither change a record nor delete any row', async () => {
  const own = `organization_id = '${attacker.id}'`;
  const { refusal } = await attempt(asAttacker, `update chaperone.requests set cost_usd = 0 where ${own}`);
  assert.equal(refusal, denied);
  for (const { name } of await listRelations()) {
    const { refusal } = await attempt(asAttacker, `delete from ${name} where ${own}`);
    assert.equal(refusal, denied, name);
  }
});

test('a function that runs as the owner neither shows nor changes another organization’s data', async () => {
  const { rows } = await database.owner.query<{ name: string; mayCall: boolean }>(
    `select proname as name, has_function_privilege('chaperone_tenant', oid, 'execute') as "mayCall"
     from pg_proc where pronamespace = 'chaperone'::regnamespace and prosecdef`,
  );
  // Of two with one name, one serves proxies of the version before.
  const callable = [...new Set(rows.filter(({ mayCall }) => mayCall).map(({ name }) => name))];
  assert.deepEqual(callable.sort(), Object.keys(definerCalls).sort());
  const before = await victimRows();
  for (const name of callable) {
    const result = await asAttacker.query<Record<string, unknown>>(definerCalls[name]?.() ?? '');
    assert.ok(!JSON.stringify(result.rows).includes(victim.id), name);
  }
  const { rows: own } = await asAttacker.query('select chaperone.current_organization_id() as id');
  assert.deepEqual(own, [{ id: attacker.id }]);
  assert.deepEqual(await victimRows(), before);
});

describe('no statement makes a session another organization’s', () => {
  const tricks: Readonly<Record<string, () => string>> = {
    'the shared role': () => 'set role chaperone_tenant',
    'the other’s role': () => `set role ${victim.role}`,
    'no role': () => 'set role none',
    'the other’s session': () => `set session authorization ${victim.role}`,
    'the owner’s session': () => 'set session authorization chaperone',
    'the other’s session as a setting': () => `select set_config('session_authorization', '${victim.role}', false)`,
    'the other’s role as a setting': () => `select set_config('role', '${victim.role}', false)`,
    'row security off': () => 'set row_security = off',
    'replica mode': () => 'set session_replication_role = replica',
    'a setting of one’s own': () => `set chaperone.organization_id = '${victim.id}'`,
    'another search path': () => 'set search_path = pg_temp, public, pg_catalog, chaperone',
    'a temporary table': () => 'create temp table organization_roles (organization_id uuid, role_name name)',
    'a temporary function': () =>
      `create function pg_temp.current_organization_id() returns uuid language sql as $$ select '${victim.id}'::uuid $$`,
    'a function of the same name': () =>
      `create function public.current_organization_id() returns uuid language sql as $$ select '${victim.id}'::uuid $$`,
    'another body of the function': () =>
      `create or replace function chaperone.current_organization_id() returns uuid language sql as $$ select '${victim.id}'::uuid $$`,
    'an operator of one’s own': () => 'create operator public.= (leftarg = uuid, rightarg = uuid, function = uuid_ne)',
    'a schema of one’s own': () => 'create schema mine',
    'an entry in the mapping': () =>
      `insert into chaperone.organization_roles (organization_id, role_name) values ('${victim.id}', session_user)`,
    'a change of the mapping': () => `update chaperone.organization_roles set organization_id = '${victim.id}'`,
    'a look at the mapping': () => 'select * from chaperone.organization_roles',
    'the other’s name': () => `alter role current_user rename to ${victim.role}x`,
    'a role above row security': () => 'alter role current_user bypassrls',
    'a role above everything': () => 'alter role current_user superuser',
    'no policy': () => 'drop policy tenant on chaperone.requests',
    'another policy': () => 'alter policy tenant on chaperone.requests using (true)',
    'a grant to oneself': () => 'grant all on all tables in schema chaperone to current_user',
    'membership of the other’s role': () => `grant ${victim.role} to ${attacker.role}`,
    'the other’s password': () => `alter role ${victim.role} password 'mine'`,
    'a new role': () => 'create role mine login in role chaperone',
    'a role of the operator’s making': () =>
      `select chaperone.ensure_organization_role('${victim.id}', 'SCRAM-SHA-256$4096:c2FsdA==$a:b')`,
    'the other’s end': () => `select chaperone.delete_organization('${victim.id}')`,
    'the other’s role’s end': () => `select chaperone.drop_organization_role('${victim.id}')`,
    'a stamp': () => 'select chaperone.stamp_config_version()',
    'a program': () => "copy (select 1) to program 'true'",
    'a file': () => "select pg_read_file('postgresql.conf')",
    'an extension': () => 'create extension dblink schema public',
    'a block that changes role': () => `do $$ begin execute 'set role ${victim.role}'; end $$`,
    'the other’s connection': () =>
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${victim.role}'`,
  };
  for (const [label, trick] of Object.entries(tricks)) {
    test(label, async (t) => {
      const asVictim = await connect(t, victim.url);
      const client = await connect(t, attacker.url);
      const before = await victimRows();
      await client.query(trick()).catch((error: unknown) => assert.ok(error instanceof DatabaseError));
      const identity = await client
        .query<{ id: unknown }>('select chaperone.current_organization_id() as id')
        .catch(() => undefined);
      assert.ok(identity === undefined || identity.rows[0]?.id === attacker.id, JSON.stringify(identity?.rows));
      for (const table of ['requests', 'personas', 'api_keys', 'users']) {
        const found = await client
          .query(`select 1 from chaperone.${table} where organization_id = '${victim.id}'`)
          .catch(() => undefined);
        assert.ok(found === undefined || found.rowCount === 0, table);
      }
      assert.deepEqual(await victimRows(), before);
      assert.equal((await asVictim.query('select 1 from chaperone.personas')).rowCount, 1);
    });
  }
});

describe('the catalog', () => {
  test('has no gap in row-level security or rights', async () => {
    assert.deepEqual(await findIsolationGaps(database.owner), []);
  });

  const mistakes: readonly (readonly [sql: string, gap: string])[] = [
    ['create table chaperone.t (organization_id uuid)', 't has no row-level security'],
    [
      `create table chaperone.t (organization_id uuid); alter table chaperone.t enable row level security;
       grant select on chaperone.t to chaperone_tenant`,
      't is granted to tenants and has no policy',
    ],
    [
      `create table chaperone.t (organization_id uuid); alter table chaperone.t enable row level security;
       grant update (organization_id) on chaperone.t to chaperone_tenant`,
      't is granted to tenants and has no policy',
    ],
    [
      'create policy open on chaperone.requests for select to chaperone_tenant using (true)',
      'chaperone.requests has the policy open, which is not that of the current organization',
    ],
    [
      `create policy open on chaperone.users for insert to chaperone_tenant with check (true)`,
      'chaperone.users has the policy open, which is not that of the current organization',
    ],
    [
      'grant select on chaperone.requests_default to chaperone_tenant',
      'requests_default is a partition and is granted to tenants',
    ],
    [
      'create view chaperone.v as select * from chaperone.requests; grant select on chaperone.v to chaperone_tenant',
      'v is no table and is granted to tenants',
    ],
    ['grant select on chaperone.requests to public', 'requests is granted to -'],
    ['grant delete on chaperone.requests to chaperone_tenant', 'requests grants tenants DELETE'],
    [
      'create function chaperone.f() returns int language sql as $$ select 1 $$',
      'chaperone.f() may be called by everyone',
    ],
    [
      `create function chaperone.f() returns int language sql security definer as $$ select 1 $$;
       revoke all on function chaperone.f() from public`,
      'chaperone.f() runs as its owner without a search_path of its own',
    ],
    ['grant create on schema chaperone to chaperone_tenant', 'tenants may create objects in the schema chaperone'],
    [
      `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`,
      'tenants have the privilege TEMPORARY on the database',
    ],
    ['alter role chaperone_tenant createdb', 'chaperone_tenant may do more than log in'],
  ];
  for (const [sql, gap] of mistakes) {
    test(`would show: ${gap}`, async (t) => {
      const client = await connect(t, database.url);
      await client.query('begin');
      await client.query(sql);
      assert.deepEqual(await findIsolationGaps(client), [gap]);
      await client.query('rollback');
    });
  }
});
