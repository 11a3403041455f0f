import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { migrate } from '../../../database/migrate.ts';
import { whenDatabaseAnswers } from '../../../operator/runtime/database-wait.ts';
import { makeTestDatabase } from '../../database.ts';
import { atEnd } from '../../scope.ts';
import { startRelay, viaPort } from '../../tcp-relay.ts';

const log = pino({ level: 'silent' });

test('a database that starts later is waited for, and each reason is logged', async (t) => {
  const database = await makeTestDatabase();
  atEnd(t, () => database.close());
  const relay = await startRelay(t, Number(new URL(database.url).port));
  await relay.close();
  const reasons: (string | undefined)[] = [];
  const onWait = (reason: string | undefined) => {
    reasons.push(reason);
    if (reasons.length === 2) void relay.open();
  };
  // By a name that may have two addresses.
  const url = new URL(viaPort(database.url, relay.port));
  url.hostname = 'localhost';
  await whenDatabaseAnswers(() => migrate(url.href), { log, onWait, pausesMs: [1, 10] });
  assert.equal(reasons.pop(), undefined);
  assert.ok(reasons.length >= 2);
  for (const reason of reasons) assert.match(reason ?? '', /cannot be used yet \(.*ECONNREFUSED/);
});

test('an error that is not about the connection is thrown at once', async () => {
  const broken = () => Promise.reject(new Error('Migration 000002 failed', { cause: new TypeError('no') }));
  await assert.rejects(whenDatabaseAnswers(broken, { log }), /Migration 000002 failed/);
});
