import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { customKinds, readDefinition, tenantKinds } from '../../crds/definition.ts';
import { connect, openDatabase } from '../database/tenant.ts';
import { suiteScope } from '../scope.ts';

const namespaced = customKinds.filter((kind) => readDefinition(kind).scope === 'Namespaced');

/**
 * Rules over all kinds: a namespaced object that acts outside its namespace has the Organization's consent. A new kind that
 * does not ask for it fails here.
 */
describe('every namespaced kind', () => {
  const scope = suiteScope();
  let db: Client;

  before(async () => {
    const { url } = await openDatabase(scope);
    db = await connect(scope, url);
  });

  test('is reconciled with the Organization’s consent', () => {
    assert.deepEqual([...tenantKinds].sort(), namespaced.toSorted());
    const { items } = readDefinition('Organization').schema.properties?.spec?.properties?.sharing ?? {};
    const resources = items?.properties?.resources?.items?.enum;
    assert.deepEqual(resources?.toSorted(), namespaced.toSorted());
  });

  for (const kind of namespaced) {
    test(`states whose calls it serves: ${kind}`, () => {
      const { schema } = readDefinition(kind);
      assert.deepEqual(schema.properties?.status?.properties?.serves?.enum, ['Namespace', 'Organization']);
    });
  }

  test('has a table whose rows and unique names are by namespace', async () => {
    const { rows } = await db.query<{ table: string; serves: boolean; names: string[] }>(
      `select c.relname as table,
              exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'serves_namespace') as serves,
              array(select pg_get_indexdef(i.indexrelid) from pg_index i
                    where i.indrelid = c.oid and i.indisunique and not i.indisprimary) as names
       from pg_class c join pg_attribute r on r.attrelid = c.oid and r.attname = 'resource'
       where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p')
         -- They are for the whole organization, which states them, or from which namespaces they come.
         and c.relname not in ('webhooks', 'access_keys', 'knowledge_articles')
       order by 1`,
    );
    assert.equal(rows.length, namespaced.length, 'a table for each kind');
    for (const { table, serves, names } of rows) {
      assert.ok(serves, `${table} has no serves_namespace`);
      // What is unique in the whole organization, one namespace could take from another.
      for (const index of names) assert.match(index, /\(organization_id, serves_namespace, /, table);
    }
  });
});
