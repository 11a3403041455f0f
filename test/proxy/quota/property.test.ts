import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type QuotaDemand, type QuotaGrant, rowOf } from '../../../database/quota.ts';
import type { Claim } from '../../../proxy/quota/claim.ts';
import type { Counted } from '../../../proxy/quota/counted.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota, type Quota } from '../../../proxy/quota/quota.ts';
import { makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../database/tenant.ts';
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
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ship' as const), proxy: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('tick' as const), proxy: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(200, 1_000, 5_000, 40_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), proxy: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), proxy: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), proxy: fc.nat(2) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const limit = 40;
const startMs = Date.parse('2026-01-01');

interface Running {
  readonly proxy: Proxy;
  readonly claim: Claim;
  readonly amount: number;
}

interface Charge {
  readonly counterId: number;
  readonly leaseId: number;
  readonly amount: number;
}

/** A proxy with a clock of its own, which may be wrong. */
interface Proxy {
  readonly quota: Quota;
  /** Records that are not stored yet: on the volume, so a kill does not lose them. */
  waiting: Charge[];
  isCut: boolean;
}

/** Proxies of one organization over the SQL of the database, in a time that the test makes. */
class World {
  nowMs = startMs;
  readonly proxies: Proxy[] = [];
  readonly running: Running[] = [];
  /** By the start of the window, what was used or may have been. */
  readonly used = new Map<number, number>();
  readonly database: OwnedDatabase;
  readonly tenant: Tenant;
  readonly counted: Counted;

  constructor(database: OwnedDatabase, tenant: Tenant, rule: string, skewsMs: readonly number[]) {
    this.database = database;
    this.tenant = tenant;
    const window = { kind: 'fixed', lengthMs: 600_000 } as const;
    this.counted = { rule, unit: 'tokens', per: 'Organization', window, amountAt: () => limit };
    for (const skewMs of skewsMs) this.proxies.push(this.start(skewMs));
  }

  start(skewMs: number): Proxy {
    const proxy: Proxy = { quota: this.#makeQuota(skewMs, () => proxy.isCut), waiting: [], isCut: false };
    return proxy;
  }

  #makeQuota(skewMs: number, isCut: () => boolean): Quota {
    const clock = makeDatabaseClock(
      () => this.nowMs - startMs,
      () => this.nowMs + skewMs,
    );
    const lease = async (demands: readonly QuotaDemand[]) => {
      if (isCut()) throw new Error('The network is cut');
      return this.lease(demands);
    };
    return makeQuota({ lease, clock, every: () => () => {} });
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
    proxy.waiting.push({ counterId: slice.counterId, leaseId: slice.leaseId, amount: used });
    const { startMs: window } = slice.counter;
    this.used.set(window, (this.used.get(window) ?? 0) + used);
  }

  async ship(proxy: Proxy): Promise<void> {
    if (proxy.isCut) return;
    for (const { counterId, leaseId, amount } of proxy.waiting.splice(0)) {
      // As settle_quota does it, at the time of the test.
      await this.database.owner.query(
        `insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, settled, expires_at)
         values ($1, $2, $3, $4, timestamptz 'epoch' + $5 * interval '1 millisecond')
         on conflict on constraint quota_leases_pkey do update set settled = l.settled + excluded.settled`,
        [this.tenant.id, counterId, leaseId, amount, this.nowMs],
      );
    }
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
      case 'ship':
        if (proxy) await this.ship(proxy);
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

  /** Proxies are cut off for less than a lease lasts; the timer of each one runs. */
  async pass(ms: number): Promise<void> {
    const stepMs = Math.min(ms, 5_000);
    for (let passed = 0; passed < ms; passed += stepMs) {
      for (const proxy of this.proxies) {
        if (ms > stepMs) proxy.isCut = false;
        await this.ship(proxy);
        proxy.quota.tick();
      }
      // What the timers have asked for is answered.
      for (let turn = 0; turn < 3; turn += 1) await this.database.owner.query('select 1');
      this.nowMs += stepMs;
    }
  }

  /** Used, and reserved by running calls, by window. */
  total(): Map<number, number> {
    const total = new Map(this.used);
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
  let runs = 0;
  before(async () => {
    database = await openDatabase(scope);
    tenant = await makeTenant(database);
  });

  it('never use more than it in any window, whatever happens in whatever order', async () => {
    const skew = fc.constantFrom(0, -3_600_000, 3_600_000, 90_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 80 }),
        fc.tuple(skew, skew, skew),
        async (steps, skews) => {
          runs += 1;
          const world = new World(database, tenant, `limits/property-${runs}`, skews);
          for (const next of steps) {
            await world.apply(next);
            for (const [window, total] of world.total()) {
              assert.ok(total <= limit, `${total} of ${limit} in the window of ${new Date(window).toISOString()}`);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('can use all of it, once what was leased is given back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        runs += 1;
        const world = new World(database, tenant, `limits/property-${runs}`, [0, 0, 0]);
        for (const next of steps) await world.apply(next);
        for (const call of world.running.splice(0)) world.end(call, call.amount);
        for (const proxy of world.proxies) {
          proxy.isCut = false;
          await world.ship(proxy);
          await proxy.quota.stop();
        }
        // Leases of killed proxies expire, and what they had reported is waited for.
        world.nowMs = Math.ceil((world.nowMs + 3_700_000) / 600_000) * 600_000;
        const last = world.start(0);
        for (let number = 0; number < limit; number += 1) await world.call(last, 1);
        assert.equal(world.running.length, limit);
      }),
      { numRuns: 20 },
    );
  });
});
