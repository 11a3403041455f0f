import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Client } from 'pg';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { analysisConfig, binding, decode, organization, persona, secret } from './resources.ts';
import { governance, type RunningOperator, type Stage, setStage } from './stage.ts';

/** All rows that an operator must bring back, whatever somebody did to them: of what is sealed, how long it is. */
const stateOf = async ({ db }: Stage): Promise<object[]> => {
  const { rows } = await db.query<{ row: object }>(
    `select to_jsonb(o) as row from chaperone.organizations o
     union all
     select to_jsonb(p) || jsonb_build_object('content_encrypted', length(content_encrypted)) from chaperone.personas p
     union all
     select to_jsonb(k) || jsonb_build_object('key_encrypted', length(key_encrypted)) from chaperone.api_keys k
     union all
     select to_jsonb(c) || jsonb_build_object('config_encrypted', length(config_encrypted))
     from chaperone.analysis_configs c`,
  );
  return rows
    .map(({ row }) => withoutAge(row))
    .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
};

/** What proxies may do with which table, column and function, and with the schema. */
const privilegesOf = async ({ db }: Stage): Promise<string[]> => {
  const { rows } = await db.query<{ privilege: string }>(
    `select c.relname || ' ' || unnest(c.relacl)::text as privilege
     from pg_class c where c.relnamespace = 'chaperone'::regnamespace
     union all
     select a.attrelid::regclass || '.' || a.attname || ' ' || unnest(a.attacl)::text
     from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relnamespace = 'chaperone'::regnamespace
     union all
     select p.proname || ' ' || unnest(p.proacl)::text
     from pg_proc p where p.pronamespace = 'chaperone'::regnamespace
     union all
     select n.nspname || ' ' || unnest(n.nspacl)::text from pg_namespace n where n.nspname = 'chaperone'`,
  );
  return rows
    .map(({ privilege }) => privilege)
    .filter((privilege) => privilege.includes(' chaperone_tenant='))
    .sort();
};

/** A row that was made anew is as young as it is. */
function withoutAge(row: object): object {
  const ofAge = ['created_at', 'updated_at', 'config_version'];
  return Object.fromEntries(Object.entries(row).filter(([column]) => !ofAge.includes(column)));
}

describe('a manual change of the database', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let operator: RunningOperator;

  before(async () => {
    stage = await setStage(scope);
    const { hands } = stage;
    operator = await stage.startOperator({ resyncMs: 200 });
    await hands.create('Organization', 'acme', organization());
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await hands.create('Persona', 'web/support', persona());
    await hands.create('ApiKeyBinding', 'web/openai', binding());
    await hands.create('AnalysisConfig', 'web/intent', analysisConfig());
    for (const [kind, path] of objects) await hands.untilReason(kind, path, 'Ready');
    await operator.idle();
  });
  const objects = [
    ['Organization', 'acme'],
    ['Persona', 'web/support'],
    ['ApiKeyBinding', 'web/openai'],
    ['AnalysisConfig', 'web/intent'],
  ] as const;

  const databaseUrl = async () => decode(await stage.hands.find('Secret', 'web/chaperone-acme'), 'database-url');
  /** The organization that a login is to the database. */
  const logIn = async (connectionString: string) => {
    const client = new Client({ connectionString, connectionTimeoutMillis: 5_000 });
    try {
      await client.connect();
      const { rows } = await client.query<{ id: string }>('select organization_id as id from chaperone.organizations');
      return rows.map(({ id }) => id);
    } finally {
      await client.end();
    }
  };

  // Before anything that has the operator issue another login, of which it may hear late.
  test('is undone: a changed password of the role, which gets the proxies’ password again', async () => {
    const { status } = (await stage.hands.find('Organization', 'acme')) ?? {};
    const known = await databaseUrl();
    await stage.db.query(
      `do $$ begin execute (select format('alter role %I password %L', role_name, 'changed') from chaperone.organization_roles); end $$`,
    );
    const ids = await until(() => logIn(known).catch(() => undefined), 'the password as it was');
    assert.deepEqual(ids, [status?.id]);
    assert.equal(await databaseUrl(), known);
  });

  const drifts = {
    'a persona edited': `update chaperone.personas set name = 'Mallory', users = '{mallory}', is_active = false`,
    'a persona whose text was overwritten': `update chaperone.personas set content_encrypted = 'nonsense'`,
    'a persona marked deleted': `update chaperone.personas set deleted_at = now()`,
    'a persona deleted': `delete from chaperone.personas`,
    'a key edited': `update chaperone.api_keys set provider = 'other', models = '{gpt-5}', expires_at = now()`,
    'a key whose secret was emptied': `update chaperone.api_keys set key_encrypted = ''`,
    'a key deleted': `delete from chaperone.api_keys`,
    'an analysis config edited': `update chaperone.analysis_configs set name = 'Other', description = 'Other'`,
    'an analysis config deleted': `delete from chaperone.analysis_configs`,
    'an organization edited': `update chaperone.organizations set spec = '{}'`,
    'an organization marked deleted': `update chaperone.organizations set deleted_at = now()`,
    'an organization renamed': `update chaperone.organizations set name = 'umbrella'`,
    'an organization deleted': `delete from chaperone.organizations`,
    'everything deleted': `select chaperone.delete_organization(organization_id) from chaperone.organizations`,
  };
  for (const [what, sql] of Object.entries(drifts)) {
    test(`is undone: ${what}`, async () => {
      const right = await stateOf(stage);
      assert.equal(right.length, objects.length);
      await stage.db.query(sql);
      await until(async () => isDeepStrictEqual(await stateOf(stage), right), 'the rows as they were');
    });
  }

  const roleDrifts = {
    'the role dropped': 'drop role %I',
    'the role without login': 'alter role %I nologin',
    'its grants revoked': 'revoke chaperone_tenant from %I',
    'the role given to another organization':
      'update chaperone.organization_roles set organization_id = gen_random_uuid() where role_name = %L',
    'the role given to no organization': 'delete from chaperone.organization_roles where role_name = %L',
  };
  for (const [what, sql] of Object.entries(roleDrifts)) {
    test(`is undone: ${what}`, async () => {
      const { status } = (await stage.hands.find('Organization', 'acme')) ?? {};
      await stage.db.query(
        `do $$ begin execute (select format('${sql}', role_name) from chaperone.organization_roles); end $$`,
      );
      await until(async () => {
        const ids = await logIn(await databaseUrl()).catch(() => []);
        return isDeepStrictEqual(ids, [status?.id]);
      }, 'the login that is handed out to be good');
    });
  }

  test('is undone: removed limits of the role', async () => {
    const look = `select bool_and(rolconnlimit > 0 and chaperone.has_organization_role_settings(rolname)) as are
       from pg_roles join chaperone.organization_roles on role_name = rolname`;
    const areThere = async () => (await stage.db.query<{ are: boolean }>(look)).rows[0]?.are === true;
    await until(areThere, 'the limits');
    for (const change of ['connection limit -1', 'reset all', 'set default_transaction_read_only = on']) {
      // In one transaction, since the operator may undo the change as soon as it is committed.
      const results: unknown = await stage.db.query(
        `do $$ begin execute (select format('alter role %I ${change}', role_name) from chaperone.organization_roles); end $$;
         ${look}`,
      );
      assert.partialDeepStrictEqual(results, [{}, { rows: [{ are: false }] }], change);
      await until(areThere, 'the limits as they were');
    }
  });

  test('is undone: revoked rights of proxies', async () => {
    const right = await privilegesOf(stage);
    assert.ok(right.length > 10);
    const revocations = [
      // At the same time as the operator, Postgres would let only one of both change them.
      'lock table chaperone.migrations in share row exclusive mode',
      'revoke all on all tables in schema chaperone from chaperone_tenant',
      'revoke all on all functions in schema chaperone from chaperone_tenant',
      'revoke usage on schema chaperone from chaperone_tenant',
    ];
    await stage.db.query(revocations.join(';\n'));
    await until(async () => isDeepStrictEqual(await privilegesOf(stage), right), 'the privileges as they were');
  });

  test('is undone: a row of a resource whose finalizer was removed while no operator ran', async () => {
    const { hands, db } = stage;
    await hands.create('Persona', 'web/gone', persona({ name: 'Gone' }));
    await hands.create('ApiKeyBinding', 'web/gone', binding({ user: 'gone' }));
    await hands.create('AnalysisConfig', 'web/gone', analysisConfig({ name: 'Gone' }));
    const kinds = ['Persona', 'ApiKeyBinding', 'AnalysisConfig'] as const;
    for (const kind of kinds) await hands.untilReason(kind, 'web/gone', 'Ready');
    await operator.stop();
    for (const kind of kinds) {
      await hands.change(kind, 'web/gone', { metadata: { finalizers: null } });
      await hands.remove(kind, 'web/gone');
      assert.equal(await hands.find(kind, 'web/gone'), undefined);
    }
    operator = await stage.startOperator();
    await until(async () => {
      const { rows } = await db.query(
        `select from chaperone.personas where resource = 'web/gone' and deleted_at is null
         union all select from chaperone.api_keys where resource = 'web/gone' and deleted_at is null
         union all select from chaperone.analysis_configs where resource = 'web/gone' and deleted_at is null`,
      );
      return rows.length === 0;
    }, 'no row of it to be in force');
    await hands.untilGone('Secret', 'web/gone-synthetic-key');
    assert.ok(await hands.find('Secret', `${governance}/chaperone-acme`));
    const { rows } = await db.query(`select from chaperone.personas where resource is not null and deleted_at is null`);
    assert.equal(rows.length, 1, 'the others stay');
  });
});
