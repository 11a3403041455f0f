import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Client, DatabaseError } from 'pg';
import { appendAudit } from '../../../database/audit/append.ts';
import { type ChainHead, followChain, genesis, hashOf, isFault } from '../../../database/audit/chain.ts';
import type { RefusalEntry } from '../../../database/audit/entry.ts';
import { pruneAudit } from '../../../database/audit/prune.ts';
import { everyEntry, listAudit, readChain, readHeads, readPeople } from '../../../database/audit/read.ts';
import { verifyAudit } from '../../../database/audit/verify.ts';
import { userIdOf } from '../../../database/ids.ts';
import { deleteOrganization } from '../../../database/organizations.ts';
import { eraseUser } from '../../../database/users.ts';
import { propertyRuns } from '../../property-runs.ts';
import { suiteScope } from '../../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});

function refusal(user: string | null = 'ada@example.com', fields: Partial<RefusalEntry> = {}): RefusalEntry {
  const at = new Date().toISOString();
  return {
    id: randomUUID(),
    at,
    kind: 'refusal',
    code: 'limit_reached',
    status: 429,
    rule: { kind: 'limit', name: 'calls' },
    actor: { user: user === null ? null : { $user: user }, roles: ['member'] },
    route: 'POST /v1/responses',
    requestId: 'req_1',
    count: 1,
    until: at,
    ...fields,
  };
}

/** A tenant with so many entries, and the connections of its proxy and of the owner. */
async function makeLog(entries: number) {
  const tenant = await makeTenant(database);
  const proxy = await connect(scope, tenant.url);
  for (let one = 0; one < entries; one += 1) await appendAudit(proxy, 'proxy', tenant.id, [refusal()]);
  const head = (await readHeads(proxy, [tenant.id])).get(tenant.id) ?? { seq: 0, hash: genesis };
  return { tenant, proxy, head };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof DatabaseError ? error.code : String(error)),
  );

test('the database chains any text as docs/audit.md says', async () => {
  const { tenant, proxy } = await makeLog(0);
  let last: ChainHead = { seq: 0, hash: genesis };
  const text = fc.string({ unit: 'grapheme' }).map((drawn) => drawn.replaceAll('\0', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }), async (drawn) => {
      const entries = drawn.map(([name, user]) => refusal(user, { rule: { kind: 'limit', name } }));
      await appendAudit(proxy, 'proxy', tenant.id, entries);
      const read = await readChain(proxy, tenant.id, last.seq, 100);
      assert.deepEqual(
        read.map(({ entry }) => JSON.parse(entry).rule.name),
        drawn.map(([name]) => name),
      );
      const next = followChain(last, read);
      assert.ok(!isFault(next), 'the hashes are those of TypeScript');
      last = next;
    }),
    { numRuns: propertyRuns(25) },
  );
  const head = (await readHeads(proxy, [tenant.id])).get(tenant.id);
  assert.deepEqual([head?.seq, head?.hash], [last.seq, last.hash]);
});

test('any number of writers make one chain, and an entry that is sent again is there once', async () => {
  const { tenant } = await makeLog(0);
  const writers = await Promise.all(Array.from({ length: 6 }, () => connect(scope, tenant.url)));
  const batches = writers.map(() => Array.from({ length: 8 }, () => [refusal(), refusal('bob@example.com')]));
  await Promise.all([
    ...writers.map(async (writer, index) => {
      for (const batch of batches[index] ?? []) await appendAudit(writer, 'proxy', tenant.id, batch);
    }),
    (async () => {
      for (const batch of batches[0] ?? []) await appendAudit(database.owner, 'owner', tenant.id, batch);
    })(),
  ]);
  const verified = await verifyAudit(database.owner, tenant.id, []);
  assert.deepEqual(verified.state === 'intact' && verified.head.seq, 6 * 8 * 2);
});

describe('retention', () => {
  const inTwoDays = () => new Date(Date.now() + 2 * 86_400_000);
  const verify = (tenant: Tenant, known: readonly ChainHead[] = [], after?: ChainHead) =>
    verifyAudit(database.owner, tenant.id, known, after);

  test('removes the oldest entries, and the rest verifies, also by heads of before', async () => {
    const { tenant, proxy, head } = await makeLog(4);
    const all = await readChain(proxy, tenant.id, 0, 10);
    assert.equal(await pruneAudit(database.owner, tenant.id, new Date()), 0, 'they are of today');
    assert.equal(await pruneAudit(database.owner, tenant.id, inTwoDays()), 3);
    const left = await readChain(proxy, tenant.id, 0, 10);
    assert.deepEqual(
      left.map(({ seq, entry }) => [seq, JSON.parse(entry).kind]),
      [
        [4, 'refusal'],
        [5, 'cut'],
      ],
    );
    const verified = await verify(tenant, [...all, head]);
    assert.deepEqual([verified.state, verified.state === 'intact' && verified.cut?.seq], ['intact', 3]);
    for (const after of [...all, ...left]) assert.equal((await verify(tenant, [], after)).state, 'intact');
    const other = { seq: 4, hash: hashOf(genesis, 'another') };
    assert.equal((await verify(tenant, [other])).state, 'broken');

    await appendAudit(proxy, 'proxy', tenant.id, [refusal()]);
    assert.equal(await pruneAudit(database.owner, tenant.id, inTwoDays()), 2);
    const again = await verify(tenant, [...all, ...left]);
    assert.deepEqual([again.state, again.state === 'intact' && again.head.seq], ['intact', 7]);
  });

  test('is for the operator alone', async () => {
    const { tenant, proxy } = await makeLog(2);
    assert.equal(await codeOf(pruneAudit(proxy, tenant.id, inTwoDays())), '42501');
    const insert = `insert into chaperone.audit_checkpoints (organization_id, seq, hash) values ($1, 1, sha256(''))`;
    assert.equal(await codeOf(proxy.query(insert, [tenant.id])), '42501');
  });

  test('does not hide what somebody else has removed', async () => {
    const { tenant } = await makeLog(5);
    await pruneAudit(database.owner, tenant.id, inTwoDays());
    await database.owner.query(
      `update chaperone.audit_checkpoints c set seq = l.seq, hash = l.hash
       from chaperone.audit_log l
       where c.organization_id = $1 and l.organization_id = $1 and l.seq = 5`,
      [tenant.id],
    );
    await database.owner.query('delete from chaperone.audit_log where organization_id = $1 and seq = 5', [tenant.id]);
    const verified = await verify(tenant);
    assert.match(verified.state === 'broken' ? verified.problem : '', /up to 5 were removed, and no entry/);
  });
});

describe('who may do what', () => {
  const changes: readonly [string, string][] = [
    ['change', `update chaperone.audit_log set entry = '{}'`],
    ['remove', 'delete from chaperone.audit_log'],
    ['empty', 'truncate chaperone.audit_log'],
  ];
  let tenant: Tenant;
  let proxy: Client;

  before(async () => {
    ({ tenant, proxy } = await makeLog(2));
  });

  for (const [verb, statement] of changes) {
    test(`neither a proxy, nor the operator, nor a superuser can ${verb} entries`, async () => {
      assert.equal(await codeOf(proxy.query(statement)), '42501');
      assert.equal(await codeOf(database.owner.query(statement)), '42501');
      if (database.superuserUrl === undefined) return;
      const superuser = await connect(scope, database.superuserUrl);
      assert.equal(await codeOf(superuser.query(statement)), '42501');
    });
  }

  test('a proxy can write no entry but by the function, and only of its own doing', async () => {
    const insert = `insert into chaperone.audit_log (organization_id, seq, entry_id, entry, hash)
      values ($1, 3, 'x', '{"at": "2026", "kind": "refusal"}', sha256(''))`;
    assert.equal(await codeOf(proxy.query(insert, [tenant.id])), '42501');
    assert.equal(await codeOf(proxy.query('update chaperone.audit_chains set seq = 0')), '42501');
    assert.equal(await codeOf(proxy.query('delete from chaperone.audit_people')), '42501');
    const forged = JSON.stringify([{ ...refusal(null), kind: 'resource' }]);
    assert.equal(await codeOf(proxy.query('select chaperone.append_audit($1)', [forged])), '23514');
    const others = proxy.query('select chaperone.append_audit_of($1, $2)', [tenant.id, '[]']);
    assert.equal(await codeOf(others), '42501');
    assert.equal((await verifyAudit(proxy, tenant.id, [])).state, 'intact');
  });

  test('an entry says which login appended it', async () => {
    const [first] = await readChain(proxy, tenant.id, 0, 1);
    assert.equal(JSON.parse(first?.entry ?? '').recordedBy, tenant.role);
  });

  test('a log goes only with its organization', async () => {
    const { tenant: gone } = await makeLog(2);
    await deleteOrganization(database.owner, gone.id);
    assert.deepEqual(await readChain(database.owner, gone.id, 0, 10), []);
    assert.deepEqual(await readHeads(database.owner, [gone.id]), new Map());
  });
});

describe('whoever may do everything in the database is found out', () => {
  /** Changes the log of six entries, as a superuser can who switches the trigger off. */
  const tamper = async (statement: string, known?: (head: ChainHead) => ChainHead) => {
    const { tenant, head } = await makeLog(6);
    const superuser = await connect(scope, database.superuserUrl ?? database.url);
    await superuser.query('begin');
    await superuser.query('set local session_replication_role = replica');
    await superuser.query(statement.replaceAll('$1', `'${tenant.id}'`));
    await superuser.query('commit');
    const verified = await verifyAudit(database.owner, tenant.id, [known?.(head) ?? head]);
    return verified.state === 'broken' ? [verified.seq, verified.problem] : [verified.state];
  };
  const skip = process.env.CHAPERONE_TEST_SUPERUSER_URL === undefined && 'the run has no superuser';

  test('who edits an entry', { skip }, async () => {
    const [seq, problem] = await tamper(
      `update chaperone.audit_log set entry = replace(entry, 'limit_reached', 'no_api_key') where organization_id = $1 and seq = 3`,
    );
    assert.equal(seq, 3);
    assert.match(String(problem), /entry 3 was changed or moved/);
  });

  test('who removes an entry', { skip }, async () => {
    const found = await tamper('delete from chaperone.audit_log where organization_id = $1 and seq = 4');
    assert.deepEqual(found, [4, 'entry 4 is missing; the next one is 5']);
  });

  test('who swaps two entries', { skip }, async () => {
    const found = await tamper(
      `update chaperone.audit_log set seq = case seq when 2 then 300 when 3 then 2 end where organization_id = $1 and seq in (2, 3);
       update chaperone.audit_log set seq = 3 where organization_id = $1 and seq = 300`,
    );
    assert.equal(found[0], 2);
  });

  test('who removes the end', { skip }, async () => {
    const found = await tamper('delete from chaperone.audit_log where organization_id = $1 and seq > 4');
    assert.deepEqual(found, [5, 'the log ends with entry 4, but it had 6 entries: its end was removed']);
  });

  test('who removes the end and mends the head, since the status has it', { skip }, async () => {
    const found = await tamper(
      `delete from chaperone.audit_log where organization_id = $1 and seq > 4;
       update chaperone.audit_chains c set seq = 4, hash = l.hash from chaperone.audit_log l
       where c.organization_id = $1 and l.organization_id = $1 and l.seq = 4`,
    );
    assert.deepEqual(found, [5, 'the log ends with entry 4, but it had 6 entries: its end was removed']);
  });

  test('who writes the whole log again with right hashes', { skip }, async () => {
    const found = await tamper(
      `do $do$ declare one record; last bytea := decode(repeat('00', 32), 'hex'); begin
         for one in select * from chaperone.audit_log where organization_id = $1 order by seq loop
           last := sha256(last || convert_to(replace(one.entry, 'limit_reached', 'no_api_key'), 'UTF8'));
           update chaperone.audit_log set entry = replace(entry, 'limit_reached', 'no_api_key'), hash = last
             where organization_id = $1 and seq = one.seq;
         end loop;
         update chaperone.audit_chains set hash = last where organization_id = $1;
       end $do$`,
    );
    assert.equal(found[0], 6);
    assert.match(String(found[1]), /is not the one that was known/);
  });
});

test('a walk can begin where the last one ended, and still sees what is known of the end', async () => {
  const { tenant, proxy, head } = await makeLog(3);
  await appendAudit(proxy, 'proxy', tenant.id, [refusal()]);
  assert.equal((await verifyAudit(proxy, tenant.id, [head], head)).state, 'intact');
  const forged = { seq: 3, hash: hashOf(head.hash, 'x') };
  assert.deepEqual(await verifyAudit(proxy, tenant.id, [head], forged), {
    state: 'broken',
    seq: 3,
    problem: 'entry 3 is not the one that was known: the log was written again up to there',
  });
});

describe('an erasure', () => {
  test('leaves entries as they are, under a pseudonym that nobody can resolve', async () => {
    const { tenant, proxy } = await makeLog(1);
    const ada = 'ada@example.com';
    await database.owner.query(
      'insert into chaperone.users (organization_id, user_id, external_id) values ($1, $2, $3)',
      [tenant.id, userIdOf(tenant.id, ada), ada],
    );
    const earlier = await readChain(proxy, tenant.id, 0, 10);
    const [person] = earlier.map(({ entry }) => JSON.parse(entry).actor.user);
    assert.match(person, /^person:[0-9a-f]{64}$/);
    assert.deepEqual(await readPeople(proxy, tenant.id, [person]), new Map([[person, ada]]));

    const before = refusal(ada);
    await eraseUser(proxy, userIdOf(tenant.id, ada));
    assert.deepEqual(await readPeople(proxy, tenant.id, [person]), new Map());
    assert.deepEqual(await readChain(proxy, tenant.id, 0, 10), earlier);

    // Of before the erasure, and sent late; and of a new user with the same id.
    await appendAudit(proxy, 'proxy', tenant.id, [before]);
    await appendAudit(proxy, 'proxy', tenant.id, [refusal(ada, { at: '2099-01-01T00:00:00.000Z' })]);
    const [, late, later] = (await readChain(proxy, tenant.id, 0, 10)).map(({ entry }) => JSON.parse(entry).actor.user);
    assert.match(late, /^erased-/);
    assert.match(later, /^person:/);
    assert.notEqual(later, person);
    assert.equal((await verifyAudit(proxy, tenant.id, [])).state, 'intact');
    const { rows } = await proxy.query('select entry from chaperone.audit_log');
    assert.ok(!JSON.stringify(rows).includes('ada@'));
  });
});

test('entries are listed by what they are about, the newest first', async () => {
  const { tenant, proxy } = await makeLog(0);
  const other = refusal(null, { code: 'model_not_allowed', at: '2020-01-01T00:00:00.000Z' });
  await appendAudit(proxy, 'proxy', tenant.id, [other, refusal(), refusal()]);
  const list = (filter: Partial<typeof everyEntry>, limit = 10) =>
    listAudit(proxy, tenant.id, { ...everyEntry, ...filter }, { limit, offset: 0 });
  assert.deepEqual(
    (await list({}, 2)).entries.map(({ seq }) => seq),
    [3, 2],
  );
  assert.equal((await list({}, 2)).total, 3);
  assert.equal((await list({ code: 'model_not_allowed' })).total, 1);
  assert.equal((await list({ since: '2021-01-01T00:00:00.000Z' })).total, 2);
  assert.equal((await list({ until: '2021-01-01T00:00:00.000Z' })).total, 1);
  assert.equal((await list({ kind: 'resource' })).total, 0);
});
