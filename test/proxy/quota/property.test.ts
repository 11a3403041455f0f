import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Client } from 'pg';
import { windowAt } from '../../../crds/rule-window.ts';
import { insertRequests } from '../../../database/insert-requests.ts';
import { insertPendingCalls, markSettled, type PendingCall } from '../../../database/pending-calls.ts';
import { countPrefix, type QuotaDemand, type QuotaGrant, rowOf } from '../../../database/quota.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { settleQuota } from '../../../proxy/calls/reserve/settle-quota.ts';
import type { Claim } from '../../../proxy/quota/claim.ts';
import type { Counted } from '../../../proxy/quota/counted.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota, type Quota } from '../../../proxy/quota/quota.ts';
import { batchOf } from '../../database/batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../database/tenant.ts';
import { propertyRuns } from '../../property-runs.ts';
import { makeRecord } from '../../request-record.ts';
import { suiteScope } from '../../scope.ts';

/** What may happen, in any order. Numbers choose a proxy, a call, or how long it takes. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      proxy: fc.nat(2),
      amount: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('end' as const), call: fc.nat(), used: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('defer' as const), call: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('late' as const),
      call: fc.nat(),
      used: fc.nat(9),
      seenBy: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('ship' as const), proxy: fc.nat(2), repeats: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('tick' as const), proxy: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(200, 1_000, 5_000, 40_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), proxy: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), proxy: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), proxy: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hours' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const limit = 40;
const startMs = Date.parse('2026-01-01');

interface Running {
  readonly proxy: Proxy;
  readonly claim: Claim;
  readonly amount: number;
}

/** A call that the provider works on after its answer. */
interface Pending {
  readonly record: PendingCall;
  readonly amount: number;
  readonly window: number;
}

/** A proxy with a clock of its own, which may be wrong. */
interface Proxy {
  readonly quota: Quota;
  /** What is not stored yet: on the volume, so a kill does not lose it. */
  readonly volume: { records: RequestRecord[]; deferrals: PendingCall[]; late: RequestRecord[] };
  isCut: boolean;
}

interface WorldOptions {
  readonly database: OwnedDatabase;
  readonly tenant: Tenant;
  readonly asTenant: Client;
  readonly rule: string;
  readonly skewsMs: readonly number[];
  /** Of a window. */
  readonly lengthMs: number;
}

/** Proxies of one organization over the SQL of the database, in a time that the test makes. */
class World {
  nowMs = startMs;
  readonly proxies: Proxy[] = [];
  readonly running: Running[] = [];
  readonly pending: Pending[] = [];
  readonly settledLate: RequestRecord[] = [];
  /** By the start of the window, what was used or may have been. */
  readonly used = new Map<number, number>();
  readonly database: OwnedDatabase;
  readonly tenant: Tenant;
  readonly asTenant: Client;
  readonly counted: Counted;

  constructor({ database, tenant, asTenant, rule, skewsMs, lengthMs }: WorldOptions) {
    this.database = database;
    this.tenant = tenant;
    this.asTenant = asTenant;
    const window = { kind: 'fixed', lengthMs } as const;
    this.counted = { rule, unit: 'tokens', per: 'Organization', window, amountAt: () => limit };
    for (const skewMs of skewsMs) this.proxies.push(this.start(skewMs));
  }

  start(skewMs: number): Proxy {
    const volume: Proxy['volume'] = { records: [], deferrals: [], late: [] };
    const whenStored = () => {
      const known = [...volume.deferrals];
      return () => known.every((each) => !volume.deferrals.includes(each));
    };
    const proxy: Proxy = { quota: this.#makeQuota(skewMs, () => proxy.isCut, whenStored), volume, isCut: false };
    return proxy;
  }

  #makeQuota(skewMs: number, isCut: () => boolean, whenStored: () => () => boolean): Quota {
    const clock = makeDatabaseClock(
      () => this.nowMs - startMs,
      () => this.nowMs + skewMs,
    );
    const lease = async (demands: readonly QuotaDemand[]) => {
      if (isCut()) throw new Error('The network is cut');
      return this.lease(demands);
    };
    return makeQuota({ lease, clock, whenStored, every: () => () => {} });
  }

  async lease(demands: readonly QuotaDemand[]): Promise<QuotaGrant[]> {
    const { rows } = await this.database.owner.query<QuotaGrant>(
      `select counter_id::float8 as "counterId", lease_id::float8 as "leaseId", granted::float8 as granted,
         room::float8 as room, is_current as "isCurrent", $3::float8 as "atMs"
       from chaperone.lease_quota_of($1, $2, timestamptz 'epoch' + $3 * interval '1 millisecond')`,
      [this.tenant.id, JSON.stringify(demands.map(rowOf)), this.nowMs],
    );
    return rows;
  }

  async call(proxy: Proxy, amount: number): Promise<void> {
    const slices = proxy.quota.use([this.counted])(this.counted);
    const now = proxy.quota.clock.now();
    const claim = proxy.quota.claim({ enforces: true, allowsUnavailable: false }, slices, '', amount, now);
    if ((await proxy.quota.take([claim], now)) === undefined) this.running.push({ proxy, claim, amount });
  }

  /** A call ends with at most what it has reserved. Its record goes to the volume. */
  end({ proxy, claim, amount }: Running, used: number): void {
    const { slice } = claim;
    slice.settle(amount, used, proxy.quota.clock.ticks());
    proxy.volume.records.push(makeRecord(this.tenant.id, { quota: `${slice.countPrefix}${used}` }));
    this.#use(slice.counter.startMs, used);
  }

  /** The provider works on. */
  defer({ proxy, claim, amount }: Running): void {
    const { counter, counterId } = claim.slice;
    const record: PendingCall = {
      ...makeRecord(this.tenant.id, { response_id: null }),
      response_id: `resp_${randomUUID()}`,
      input_sealed: null,
      output_sealed: null,
      quota: `${countPrefix(counter.unit, counterId, proxy.quota.pendingLeaseId)}${amount}`,
    };
    proxy.volume.deferrals.push(record);
    proxy.quota.handOver([claim]);
    this.pending.push({ record, amount, window: counter.startMs });
  }

  /** Any proxies see the end of what the provider worked on, and each of them settles it. */
  endLate({ record, window }: Pending, used: number, seenBy: readonly Proxy[]): void {
    const { input_sealed: _, output_sealed: __, ...settled } = record;
    settleQuota(Object.assign(settled, { total_tokens: used, duration_ms: 1 }));
    this.settledLate.push(settled);
    for (const proxy of seenBy) proxy.volume.late.push(settled);
    this.#use(window, used);
  }

  #use(window: number, used: number): void {
    this.used.set(window, (this.used.get(window) ?? 0) + used);
  }

  /** @param repeats as where the answer of the database was lost */
  async ship({ isCut, volume }: Proxy, repeats = false): Promise<void> {
    if (isCut) return;
    const { records, deferrals, late } = volume;
    for (let times = repeats ? 2 : 1; times > 0; times -= 1) {
      if (records.length > 0) await insertRequests(this.asTenant, this.tenant.id, batchOf(records));
      if (deferrals.length > 0) await insertPendingCalls(this.asTenant, this.tenant.id, JSON.stringify(deferrals));
      if (late.length === 0) continue;
      await insertRequests(this.asTenant, this.tenant.id, batchOf(late));
      await markSettled(this.asTenant, this.tenant.id, JSON.stringify(late));
    }
    records.length = 0;
    deferrals.length = 0;
    late.length = 0;
  }

  async apply(next: Step): Promise<void> {
    const proxy = 'proxy' in next ? this.proxies[next.proxy] : undefined;
    switch (next.kind) {
      case 'call':
        if (proxy) await this.call(proxy, next.amount);
        return;
      case 'end': {
        const [call] = this.running.splice(next.call % Math.max(1, this.running.length), 1);
        if (call) this.end(call, Math.min(next.used, call.amount));
        return;
      }
      case 'defer': {
        const [call] = this.running.splice(next.call % Math.max(1, this.running.length), 1);
        if (call) this.defer(call);
        return;
      }
      case 'late': {
        const [call] = this.pending.splice(next.call % Math.max(1, this.pending.length), 1);
        const seenBy = next.seenBy.flatMap((number) => this.proxies[number] ?? []);
        if (call) this.endLate(call, Math.min(next.used, call.amount), seenBy);
        return;
      }
      case 'ship':
        if (proxy) await this.ship(proxy, next.repeats);
        return;
      case 'hours':
        await this.passHours();
        return;
      case 'tick':
        proxy?.quota.tick();
        return;
      case 'pass':
        await this.pass(next.ms);
        return;
      case 'cut':
        if (proxy) proxy.isCut = !proxy.isCut;
        return;
      case 'stop':
      case 'kill':
        if (proxy) await this.replace(proxy, next.kind === 'stop');
    }
  }

  /** The proxy ends, and starts again on its volume before its lease has expired. */
  async replace(proxy: Proxy, isOrderly: boolean): Promise<void> {
    for (const call of this.running.filter((each) => each.proxy === proxy)) {
      this.running.splice(this.running.indexOf(call), 1);
      // What a killed proxy's call has used is unknown, so it counts with its bound.
      this.end(call, isOrderly ? 0 : call.amount);
    }
    if (isOrderly) await proxy.quota.stop();
    proxy.isCut = false;
    await this.ship(proxy);
    this.proxies[this.proxies.indexOf(proxy)] = this.start(0);
  }

  /** Every lease expires, and nobody waits for records any longer. Only the provider still works. */
  async passHours(): Promise<void> {
    for (const call of this.running.splice(0)) this.end(call, call.amount);
    for (const proxy of this.proxies) {
      proxy.isCut = false;
      await this.ship(proxy);
    }
    this.nowMs += 2 * 3_600_000;
  }

  /** Proxies are cut off for less than a lease lasts; the timer of each one runs. */
  async pass(ms: number): Promise<void> {
    const stepMs = Math.min(ms, 5_000);
    for (let passed = 0; passed < ms; passed += stepMs) {
      for (const proxy of this.proxies) {
        if (ms > stepMs) proxy.isCut = false;
        await this.ship(proxy);
        proxy.quota.tick();
      }
      // What the timers have asked for is answered: the time that passes here is longer than they gather demands.
      for (const { quota } of this.proxies) await quota.idle();
      this.nowMs += stepMs;
    }
  }

  /** Used, and reserved by running and pending calls, by window. */
  total(): Map<number, number> {
    const total = new Map(this.used);
    for (const { window, amount } of this.pending) total.set(window, (total.get(window) ?? 0) + amount);
    for (const { claim, amount } of this.running) {
      const { startMs: window } = claim.slice.counter;
      total.set(window, (total.get(window) ?? 0) + amount);
    }
    return total;
  }
}

describe('several proxies that share a limit', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  let tenant: Tenant;
  let asTenant: Client;
  let runs = 0;
  before(async () => {
    database = await openDatabase(scope);
    tenant = await makeTenant(database);
    asTenant = await connect(scope, tenant.url);
  });
  const makeWorld = (skewsMs: readonly number[], lengthMs: number) => {
    runs += 1;
    return new World({ database, tenant, asTenant, rule: `limits/property-${runs}`, skewsMs, lengthMs });
  };

  it('never use more than it in any window, whatever happens in whatever order', async () => {
    const skew = fc.constantFrom(0, -3_600_000, 3_600_000, 90_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 80 }),
        fc.tuple(skew, skew, skew),
        fc.constantFrom(600_000, 86_400_000),
        async (steps, skews, lengthMs) => {
          const world = makeWorld(skews, lengthMs);
          for (const next of steps) {
            await world.apply(next);
            for (const [window, total] of world.total()) {
              assert.ok(total <= limit, `${total} of ${limit} in the window of ${new Date(window).toISOString()}`);
            }
          }
        },
      ),
      { numRuns: propertyRuns(40) },
    );
  });

  it('can use all of it, once what was leased is given back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = makeWorld([0, 0, 0], 86_400_000);
        for (const next of steps) await world.apply(next);
        for (const call of world.running.splice(0)) world.end(call, call.amount);
        for (const call of world.pending.splice(0)) world.endLate(call, call.amount, world.proxies);
        for (const proxy of world.proxies) {
          proxy.isCut = false;
          await world.ship(proxy);
          await proxy.quota.stop();
        }
        // A call that came to the database after its end is settled once more, as by a proxy that asks for it.
        await markSettled(world.asTenant, world.tenant.id, JSON.stringify(world.settledLate));
        // Leases of killed proxies expire, and what they had reported is waited for.
        world.nowMs += 3_700_000;
        const used = world.used.get(windowAt(world.counted.window, world.nowMs).startMs) ?? 0;
        const last = world.start(0);
        for (let number = 0; number < limit; number += 1) await world.call(last, 1);
        assert.equal(world.running.length, limit - used);
      }),
      { numRuns: propertyRuns(20) },
    );
  });
});
