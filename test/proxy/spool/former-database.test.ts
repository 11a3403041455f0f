import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { migrate } from '../../../database/migrate.ts';
import { startShipper } from '../../../proxy/spool/ship.ts';
import { openSpool } from '../../../proxy/spool/spool.ts';
import { makeStore } from '../../../proxy/store.ts';
import { connect } from '../../database/tenant.ts';
import { makeFormerDatabase, makeFormerTenant } from '../../former-database.ts';
import { makeRecord } from '../../request-record.ts';
import { atEnd } from '../../scope.ts';
import { beginNow, settleNow } from '../../spool-now.ts';
import { until } from '../../until.ts';

const log = pino({ level: 'silent' });

test('records with fields that the database lacks wait until it is migrated', async (t) => {
  const { url, owner } = await makeFormerDatabase(t, '000021.sql');
  const tenant = await makeFormerTenant(owner, url, 'acme');
  // As the former operator made it.
  await owner.query('select chaperone.make_request_partitions(now())');
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-former-'));
  const spool = openSpool({ directory });
  const openStore = () => makeStore({ databaseUrl: () => tenant.url, log });
  const store = openStore();
  let failures = 0;
  const onFailure = () => {
    failures += 1;
  };
  const shipper = startShipper({ spool, store, openStore, organizationId: tenant.id, log, onFailure });
  atEnd(t, async () => {
    await shipper.stop();
    await store.close();
    spool.close();
    rmSync(directory, { recursive: true });
  });
  const record = makeRecord(tenant.id, { client_name: 'OpenAI/Python', client_version: '2.1.0', end_user: 'eve' });
  settleNow(spool, beginNow(spool, record), record);
  await until(() => failures > 1, 'two attempts');
  assert.deepEqual([spool.depth, spool.hasSetAside()], [1, false]);

  await migrate(url);
  await until(() => spool.depth === 0, 'the record to arrive');
  const { rows } = await owner.query(
    'select request_id, client_name, client_version, safety_identifier, end_user from chaperone.requests',
  );
  assert.deepEqual(rows, [
    {
      request_id: record.request_id,
      client_name: 'OpenAI/Python',
      client_version: '2.1.0',
      safety_identifier: null,
      end_user: 'eve',
    },
  ]);
});

test('a former proxy’s records arrive in a newer database', async (t) => {
  const { url, owner } = await makeFormerDatabase(t, '000021.sql');
  const tenant = await makeFormerTenant(owner, url, 'acme');
  await owner.query('select chaperone.make_request_partitions(now())');
  await migrate(url);
  const { user_external_id: _, ...columns } = makeRecord(tenant.id);
  const names = Object.keys(columns).join(', ');
  const login = await connect(t, tenant.url);
  await login.query(
    `insert into chaperone.requests (organization_id, ${names})
     select $1::uuid, ${names} from json_populate_record(null::chaperone.requests, $2::json)`,
    [tenant.id, JSON.stringify(columns)],
  );
  const { rows } = await owner.query('select request_id, client_name from chaperone.requests');
  assert.deepEqual(rows, [{ request_id: columns.request_id, client_name: null }]);
});
