import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { makeRequestId, nobody } from '../../../database/ids.ts';
import { insertRequests } from '../../../database/insert-requests.ts';
import type { RatingRecord } from '../../../database/ratings.ts';
import { ensureRequestPartitions } from '../../../database/requests.ts';
import { writeFrame } from '../../../proxy/spool/frame.ts';
import { type Shipper, startShipper } from '../../../proxy/spool/ship.ts';
import { openSpool, type Spool } from '../../../proxy/spool/spool.ts';
import { makeStore, type Store } from '../../../proxy/store.ts';
import { batchOf } from '../../database/batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../database/tenant.ts';
import { countLockWaiters } from '../../lock-waiters.ts';
import { makeRecord } from '../../request-record.ts';
import { atEnd, suiteScope } from '../../scope.ts';
import { beginNow, settleNow } from '../../spool-now.ts';
import { startRelay, viaPort } from '../../tcp-relay.ts';
import { until } from '../../until.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
interface Shipping {
  readonly tenant: Tenant;
  readonly spool: Spool;
  readonly directory: string;
  start(databaseUrl?: string, onShipped?: (rows: number) => void): Shipper;
  failures(): number;
  /** How many records were damaged. */
  unreadable(): number;
  /** How many stores there have been. */
  opened(): number;
  close(): void;
}

/** @param leave writes what another process has left in the spool */
async function prepare(t: TestContext, leave = (_directory: string, _tenant: Tenant) => {}): Promise<Shipping> {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-ship-'));
  const tenant = await makeTenant(database);
  leave(directory, tenant);
  let unreadable = 0;
  const spool = openSpool({
    directory,
    onUnreadable: () => {
      unreadable += 1;
    },
  });
  const shippers: Shipper[] = [];
  const stores: Store[] = [];
  let failures = 0;
  let opened = 0;
  let isOpen = true;
  atEnd(t, async () => {
    for (const shipper of shippers) await shipper.stop();
    for (const store of stores) await store.close();
    if (isOpen) spool.close();
    rmSync(directory, { recursive: true });
  });
  return {
    tenant,
    spool,
    directory,
    start(databaseUrl = tenant.url, onShipped) {
      const log = pino({ level: 'silent' });
      const openStore = () => {
        opened += 1;
        return makeStore({ databaseUrl: () => databaseUrl, log });
      };
      const store = openStore();
      stores.push(store);
      const shipper = startShipper({
        spool,
        store,
        openStore,
        organizationId: tenant.id,
        log,
        ...(onShipped && { onShipped }),
        onFailure: () => {
          failures += 1;
        },
      });
      shippers.push(shipper);
      return shipper;
    },
    failures: () => failures,
    unreadable: () => unreadable,
    opened: () => opened,
    close() {
      isOpen = false;
      spool.close();
    },
  };
}

/** Settles so many calls; each has its own count of tokens, from `from` up. */
function settle({ spool, tenant }: Shipping, count: number, from = 0): void {
  for (let tokens = from; tokens < from + count; tokens += 1) {
    const record = makeRecord(tenant.id, { total_tokens: tokens });
    settleNow(spool, beginNow(spool, record), record);
  }
}

async function arrivedTokens({ tenant }: Shipping): Promise<number[]> {
  const { rows } = await database.owner.query<{ tokens: number }>(
    'select total_tokens::int as tokens from chaperone.requests where organization_id = $1 order by total_tokens',
    [tenant.id],
  );
  return rows.map(({ tokens }) => tokens);
}

/** What the database refused. Closes the spool, which no one else may read while it is open. */
function setAside({ close, directory }: Shipping): { record: string; reason: string }[] {
  close();
  const file = join(directory, 'set-aside.jsonl');
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
}

async function countConnections({ role }: Tenant): Promise<number> {
  const { rowCount } = await database.owner.query('select from pg_stat_activity where usename = $1', [role]);
  return rowCount ?? 0;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

test('a call that is deferred and settled while others are copied is settled in PostgreSQL, too', async (t) => {
  const { spool, tenant, start } = await prepare(t);
  const defer = (id: string) => {
    const record = { ...makeRecord(tenant.id), response_id: id };
    spool.defer(beginNow(spool, record), { ...record, input_sealed: null, output_sealed: null });
    return record;
  };
  defer('resp_1');
  let isFirst = true;
  start(tenant.url, () => {
    if (!isFirst) return;
    isFirst = false;
    spool.settleDeferred(defer('resp_2'), undefined, () => {});
    spool.writeNow();
  });
  await until(async () => {
    const { rows } = await database.owner.query<{ response_id: string; settled: boolean }>(
      `select response_id, settled_at is not null as settled from chaperone.pending_calls
       where organization_id = $1 order by 1`,
      [tenant.id],
    );
    return rows.map(({ response_id, settled }) => `${response_id} ${settled}`).join() === 'resp_1 false,resp_2 true';
  }, 'the second call to be settled');
});

test('calls that an earlier version settled as JSON arrive with those of now', async (t) => {
  const shipping = await prepare(t, (directory, tenant) => {
    const rows = [1, 2].map((total_tokens) => JSON.stringify(makeRecord(tenant.id, { total_tokens })));
    const file = Buffer.alloc(4_096);
    const end = rows.reduce(
      (at, row, index) => writeFrame(file, at, 'settlement', index + 1, row, Buffer.from(`said ${index}`)),
      0,
    );
    writeFileSync(join(directory, '0000000001.spool'), file.subarray(0, end));
  });
  settle(shipping, 2, 3);
  assert.equal(await shipping.start().flush(10_000), true);
  assert.deepEqual(await arrivedTokens(shipping), [1, 2, 3, 4]);
  const { rows } = await database.owner.query(
    `select convert_from(contents_encrypted, 'UTF8') as said
     from chaperone.request_contents where organization_id = $1 order by started_at, said`,
    [shipping.tenant.id],
  );
  assert.deepEqual(rows.map(({ said }) => said).sort(), ['said 0', 'said 1']);
});

test('calls that are stored already hold up no others', async (t) => {
  const shipping = await prepare(t);
  const { spool, tenant } = shipping;
  const [stored, fresh] = [1, 2].map((total_tokens) => makeRecord(tenant.id, { total_tokens }));
  assert.ok(stored && fresh);
  await insertRequests(database.owner, tenant.id, batchOf([stored]));
  for (const record of [stored, fresh]) settleNow(spool, beginNow(spool, record), record);
  assert.equal(await shipping.start().flush(10_000), true);
  assert.deepEqual([await arrivedTokens(shipping), shipping.failures()], [[1, 2], 0]);
});

test('waiting and new records arrive', async (t) => {
  const shipping = await prepare(t);
  settle(shipping, 1_200);
  const shipper = shipping.start();
  settle(shipping, 300, 1_200);
  assert.ok(await shipper.flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(1_500));
  settle(shipping, 1, 1_500);
  await until(async () => (await arrivedTokens(shipping)).length === 1_501, 'a record after a pause');
});

test('each record arrives once, however often the database goes away and answers are lost', async (t) => {
  const shipping = await prepare(t);
  const relay = await startRelay(t, Number(new URL(database.url).port));
  await relay.close();
  settle(shipping, 400);
  const shipper = shipping.start(viaPort(shipping.tenant.url, relay.port));
  await until(() => shipping.failures() > 0, 'a failure');
  assert.deepEqual(await arrivedTokens(shipping), []);
  await relay.open();
  for (let round = 1; round <= 3; round += 1) {
    const failures = shipping.failures();
    await until(async () => (await arrivedTokens(shipping)).length >= 400 * round, 'some to arrive');
    // The first thing that the shipper asks hereafter is done by the database, and the shipper never knows.
    relay.loseNextAnswer();
    settle(shipping, 400, 400 * round);
    await until(() => shipping.failures() > failures, 'the loss to be noticed');
  }
  assert.ok(await shipper.flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(1_600));
  assert.deepEqual(setAside(shipping), []);
});

test('connections that the server ends are made anew', async (t) => {
  const shipping = await prepare(t);
  const shipper = shipping.start();
  settle(shipping, 10);
  assert.ok(await shipper.flush(60_000));
  await database.owner.query(`grant ${shipping.tenant.role} to current_user`);
  const { rowCount } = await database.owner.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1',
    [shipping.tenant.role],
  );
  assert.equal(rowCount, 1);
  settle(shipping, 10, 10);
  assert.ok(await shipper.flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(20));
});

test('a record that the database refuses is set aside with the reason, and stops no other', async (t) => {
  const shipping = await prepare(t);
  const { tenant, spool } = shipping;
  settle(shipping, 50);
  const poison = [
    makeRecord(tenant.id, { duration_ms: 2 ** 31 }),
    makeRecord(tenant.id, { user_id: 'nobody' }),
    makeRecord(tenant.id, { session_id: 'a\0b' }),
  ];
  for (const record of poison) {
    settleNow(spool, beginNow(spool, record), record);
    settle(shipping, 10, 50 + poison.indexOf(record) * 10);
  }
  assert.ok(await shipping.start().flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(80));
  assert.equal(shipping.failures(), 0);
  const aside = setAside(shipping);
  assert.deepEqual(
    aside.map(({ record }) => JSON.parse(record).request_id),
    poison.map(({ request_id }) => request_id),
  );
  assert.match(aside[1]?.reason ?? '', /invalid input syntax for type uuid/);
});

test('a record that a trigger or an index refuses is set aside, and a flush does not wait for it', async (t) => {
  const shipping = await prepare(t);
  const { tenant, spool } = shipping;
  await database.owner.query(`
    create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
    create trigger refuse before insert on chaperone.requests for each row
      when (new.organization_id = '${tenant.id}' and new.error_code = 'refused') execute function public.refuse();
    create function public.wide(code text) returns text immutable language sql
      as $$ select string_agg(md5(n::text), '') from generate_series(1, case code when 'wide' then 200 end) n $$;
    create index wide on chaperone.requests (public.wide(error_code)) where organization_id = '${tenant.id}'`);
  atEnd(t, () => database.owner.query('drop function public.refuse() cascade; drop function public.wide cascade'));
  const poison = ['refused', 'wide'].map((error_code) => makeRecord(tenant.id, { error_code }));
  for (const [index, record] of poison.entries()) {
    settle(shipping, 20, index * 20);
    settleNow(spool, beginNow(spool, record), record);
  }
  settle(shipping, 20, 40);
  assert.ok(await shipping.start().flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(60));
  assert.equal(shipping.failures(), 0);
  const reasons = setAside(shipping).map(({ reason }) => reason);
  assert.match(reasons.join(), /^not this one,index row size \d+ exceeds/);
});

test('a batch that exceeds the statement timeout is halved until it gets through', async (t) => {
  const shipping = await prepare(t);
  const { id, role } = shipping.tenant;
  await database.owner.query(`
    create function public.linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.002); return new; end $$;
    create trigger linger before insert on chaperone.requests for each row when (new.organization_id = '${id}')
      execute function public.linger();
    alter role ${role} set statement_timeout = '500ms'`);
  atEnd(t, () => database.owner.query('drop function public.linger() cascade'));
  settle(shipping, 1_000);
  assert.ok(await shipping.start().flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(1_000));
  assert.deepEqual(setAside(shipping), []);
});

test('ratings arrive, and the newest one of a call counts', async (t) => {
  const shipping = await prepare(t);
  const requestId = makeRequestId(Date.now());
  const rate = (rating: RatingRecord['rating'], second: number) =>
    shipping.spool.rate({
      rating_id: randomUUID(),
      request_id: requestId,
      response_id: 'resp_1',
      user_id: nobody,
      rating,
      feedback: `at ${second}`,
      rated_by: null,
      rated_at: `2026-01-01T00:00:0${second}.000Z`,
    });
  rate(1, 1);
  rate(-1, 3);
  rate(1, 2);
  assert.ok(await shipping.start().flush(60_000));
  const { rows } = await database.owner.query(
    'select rating, feedback from chaperone.ratings where organization_id = $1',
    [shipping.tenant.id],
  );
  assert.deepEqual(rows, [{ rating: -1, feedback: 'at 3' }]);
  const history = await database.owner.query('select 1 from chaperone.rating_history where organization_id = $1', [
    shipping.tenant.id,
  ]);
  assert.equal(history.rowCount, 3);
});

test('a record of a month without a partition goes into the default partition', async (t) => {
  const shipping = await prepare(t);
  const at = new Date(Date.now() - 200 * 24 * 3_600_000);
  const record = makeRecord(shipping.tenant.id, { started_at: at.toISOString() });
  settleNow(shipping.spool, beginNow(shipping.spool, record), record, Buffer.from('said'));
  assert.ok(await shipping.start().flush(60_000));
  for (const table of ['requests', 'request_contents']) {
    const { rowCount } = await database.owner.query(
      `select 1 from chaperone.${table}_default where organization_id = $1`,
      [shipping.tenant.id],
    );
    assert.equal(rowCount, 1, table);
  }
});

test('records that were not sent when the shipper stops stay in the spool', async (t) => {
  const shipping = await prepare(t);
  const relay = await startRelay(t, Number(new URL(database.url).port));
  await relay.close();
  const shipper = shipping.start(viaPort(shipping.tenant.url, relay.port));
  settle(shipping, 5);
  assert.equal(await shipper.flush(50), false);
  await shipper.stop();
  assert.equal(shipping.spool.depth, 5);
  assert.equal(shipping.spool.take('calls', 10).length, 5);
});

/** So many that a further connection is made. */
const many = 16_000;

/** Keeps batches at the database. @returns waits until so many are there; and lets them go */
async function holdBatches(t: TestContext) {
  const holder = await connect(t, database.url);
  const isHeld = holder.query('begin; lock table chaperone.requests in share row exclusive mode');
  return {
    isHeld,
    release: () => holder.query('commit'),
    async untilThere(count: number) {
      await until(async () => (await countLockWaiters(database.owner, 'requests')) === count, `${count} to wait`);
    },
  };
}

/** Has the first batch done, and keeps two at the database: one over each connection. @returns lets them go */
async function startHeld(t: TestContext, shipping: Shipping, databaseUrl?: string) {
  await ensureRequestPartitions(database.owner, new Date());
  const first = await holdBatches(t);
  await first.isHeld;
  const shipper = shipping.start(databaseUrl);
  await first.untilThere(1);
  // It waits behind the first batch, and those that follow wait for it.
  const others = await holdBatches(t);
  await first.untilThere(2);
  await first.release();
  await others.isHeld;
  await others.untilThere(2);
  return { shipper, release: others.release };
}

test('another connection helps while many records wait', async (t) => {
  const shipping = await prepare(t);
  const { tenant, spool } = shipping;
  const poison = [1, 2, 3].map(() => makeRecord(tenant.id, { duration_ms: 2 ** 31 }));
  for (const [index, record] of poison.entries()) {
    settle(shipping, 2_000, index * 2_000);
    settleNow(spool, beginNow(spool, record), record);
  }
  settle(shipping, many - 6_000, 6_000);
  const { shipper, release } = await startHeld(t, shipping);
  assert.equal(await countConnections(tenant), 2);
  await release();
  assert.ok(await shipper.flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(many));
  await until(async () => (await countConnections(tenant)) === 1, 'the other connection to be closed');
  assert.equal(shipping.failures(), 0);
  // Each once; which of two connections comes to its own first is open.
  const refused: string[] = setAside(shipping).map(({ record }) => JSON.parse(record).request_id);
  assert.deepEqual(refused.sort(), poison.map(({ request_id }) => request_id).sort());
});

test('two batches whose answers are lost arrive once', async (t) => {
  const shipping = await prepare(t);
  const relay = await startRelay(t, Number(new URL(database.url).port));
  settle(shipping, many);
  const { shipper, release } = await startHeld(t, shipping, viaPort(shipping.tenant.url, relay.port));
  await relay.close();
  await release();
  await relay.open();
  assert.ok(await shipper.flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(many));
  assert.deepEqual(setAside(shipping), []);
});

test('a shipper that stops with two batches under way leaves the rest to the next', async (t) => {
  const shipping = await prepare(t);
  settle(shipping, many);
  const { shipper, release } = await startHeld(t, shipping);
  const stopped = shipper.stop();
  await release();
  await stopped;
  const arrived = (await arrivedTokens(shipping)).length;
  assert.ok(arrived >= 1_000 && arrived < many, `${arrived} have arrived`);
  assert.equal(shipping.spool.depth, many - arrived);
  assert.ok(await shipping.start().flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(many));
});

test('a shipper that stops opens no further connection, however many records wait', async (t) => {
  const shipping = await prepare(t);
  settle(shipping, many);
  const { isHeld, untilThere, release } = await holdBatches(t);
  await isHeld;
  const shipper = shipping.start();
  await untilThere(1);
  const stopped = shipper.stop();
  await release();
  await stopped;
  assert.equal(shipping.opened(), 1);
});

test('many rows that are no calls arrive over one connection, beside calls', async (t) => {
  const shipping = await prepare(t);
  const { spool } = shipping;
  settle(shipping, 10);
  for (const number of upTo(many)) {
    const of = { session_id: `sess_${number}`, turn_id: null, guardrail_hits: ['forbidden'] };
    spool.block({ ...of, request_id: makeRequestId(number), started_at: new Date().toISOString(), user_id: nobody });
  }
  assert.ok(await shipping.start().flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(10));
  assert.deepEqual([spool.depth, shipping.opened()], [0, 1]);
});

test('all records arrive over one connection where a second is refused', async (t) => {
  const shipping = await prepare(t);
  await database.owner.query(`alter role ${shipping.tenant.role} connection limit 1`);
  settle(shipping, many);
  assert.ok(await shipping.start().flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), upTo(many));
  assert.equal(shipping.failures(), 0);
});

test('a damaged record is set aside, and holds up neither the others nor a flush', async (t) => {
  const shipping = await prepare(t);
  settle(shipping, 600);
  const file = join(shipping.directory, '0000000001.spool');
  settle(shipping, 1, 600);
  const { size } = statSync(file);
  const damaged = openSync(file, 'r+');
  writeSync(damaged, Buffer.from('###'), 0, 3, size - 20);
  closeSync(damaged);
  settle(shipping, 600, 601);
  const { size: end } = statSync(file);
  settle(shipping, 2, 1_201);
  truncateSync(file, end);
  assert.ok(await shipping.start().flush(60_000));
  assert.deepEqual(await arrivedTokens(shipping), [...upTo(600), ...upTo(1_201).slice(601)]);
  assert.equal(shipping.failures(), 0);
  assert.equal(shipping.unreadable(), 3);
  assert.equal(setAside(shipping).length, 3);
});
