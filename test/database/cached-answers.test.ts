import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { deleteExpiredAnswers, findAnswer, holdAnswers, keepAnswer } from '../../database/cached-answers.ts';
import { suiteScope } from '../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

describe('kept answers', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  let tenant: Tenant;
  let db: Client;
  const [one, other] = [randomUUID(), randomUUID()];
  const idOf = (name: string) => Buffer.alloc(32, name);
  const keep = (name: string, ttlMs: number) =>
    keepAnswer(db, {
      id: idOf(name),
      sealed: Buffer.alloc(1_000),
      ttlMs,
      maxBytes: 10_000,
      beganAtMs: Date.now(),
      holder: one,
    });
  const sums = async () => {
    const { rows } = await database.owner.query(
      `select c.bytes::integer as counted,
         (select coalesce(sum(a.bytes), 0)::integer from chaperone.cached_answers a
          where a.organization_id = c.organization_id) as bytes
       from chaperone.cached_bytes c where c.organization_id = $1`,
      [tenant.id],
    );
    return rows[0];
  };
  const stateCache = (cache: string) =>
    database.owner.query(
      `update chaperone.organizations set spec = spec - 'cache' || $2::jsonb where organization_id = $1`,
      [tenant.id, cache],
    );

  before(async () => {
    database = await openDatabase(scope);
    tenant = await makeTenant(database);
    db = await connect(scope, tenant.url);
  });

  test('one asks for an answer that there is not, until its lease ends', async () => {
    const lease = (holder: string, leaseMs = 60_000) => findAnswer(db, idOf('a'), 60_000, { holder, leaseMs });
    assert.equal((await lease(one)).isLeased, true);
    assert.equal((await lease(other)).isLeased, false);
    assert.equal((await findAnswer(db, idOf('a'), 60_000)).isLeased, false);
    await holdAnswers(db, [idOf('a')], other, null);
    assert.equal((await lease(other)).isLeased, false, 'nobody ends the lease of another');
    await holdAnswers(db, [idOf('a')], one, null);
    assert.equal((await lease(other, -1)).isLeased, true);
    assert.equal((await lease(one)).isLeased, true, 'a lease that has ended is free');
    assert.equal(await keep('a', 60_000), true);
    const found = await lease(other);
    assert.deepEqual([found.sealed?.byteLength, found.isLeased], [1_000, false]);
    assert.equal((await findAnswer(db, idOf('a'), 0)).sealed, null, 'an older one is not wanted');
  });

  test('expired answers are deleted, and the others stay', async () => {
    await stateCache('{"cache": {}}');
    await keep('a', 60_000);
    await keep('b', 0);
    assert.equal(await deleteExpiredAnswers(database.owner), 1);
    const { bytes, counted } = await sums();
    assert.deepEqual([counted, bytes > 0], [bytes, true]);
    assert.equal(await deleteExpiredAnswers(database.owner), 0);
  });

  test('without a cache, all of its answers are deleted', async () => {
    await keep('a', 60_000);
    await stateCache('{}');
    assert.ok((await deleteExpiredAnswers(database.owner)) > 0);
    assert.deepEqual(await sums(), { counted: 0, bytes: 0 });
  });

  test('the oldest go where there is no room, and one that is too large is not kept', async () => {
    for (const name of 'abcdefghij') assert.equal(await keep(name, 60_000), true);
    const { bytes, counted } = await sums();
    assert.equal(counted, bytes);
    assert.ok(bytes <= 10_000);
    assert.equal((await findAnswer(db, idOf('a'), 60_000)).sealed, null);
    assert.notEqual((await findAnswer(db, idOf('j'), 60_000)).sealed, null);
    const large = { id: idOf('z'), sealed: Buffer.alloc(10_000), ttlMs: 60_000, maxBytes: 10_000 };
    assert.equal(await keepAnswer(db, { ...large, beganAtMs: Date.now(), holder: one }), false);
    assert.equal((await sums()).bytes, bytes);
  });

  test('an answer to a call from before an erasure is not kept', async () => {
    const beganAtMs = Date.now() - 1_000;
    await database.owner.query(
      `insert into chaperone.erased_users (organization_id, user_digest, stranger, erased_at)
       values ($1, sha256('x'), gen_random_uuid(), now())`,
      [tenant.id],
    );
    const answer = { id: idOf('k'), sealed: Buffer.alloc(10), ttlMs: 60_000, maxBytes: 10_000, holder: one };
    assert.equal(await keepAnswer(db, { ...answer, beganAtMs }), false);
    assert.equal(await keepAnswer(db, { ...answer, beganAtMs: Date.now() + 1_000 }), true);
  });
});
