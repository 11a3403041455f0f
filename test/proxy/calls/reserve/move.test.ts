import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Client } from 'pg';
import type { BindingRules } from '../../../../crds/binding-rules.ts';
import type { OrganizationSpec } from '../../../../crds/resources.generated.ts';
import { insertRequests } from '../../../../database/insert-requests.ts';
import { insertPendingCalls, markSettled, type PendingCall } from '../../../../database/pending-calls.ts';
import { type QuotaDemand, type QuotaGrant, rowOf } from '../../../../database/quota.ts';
import type { FailedAttempt, RequestRecord } from '../../../../database/requests.ts';
import type { CallContext } from '../../../../proxy/calls/context.ts';
import { makeLimits } from '../../../../proxy/calls/reserve/limits.ts';
import type { Reservation, Reserve, Sought } from '../../../../proxy/calls/reserve/reserve.ts';
import { nanoUsdOf, settleQuota } from '../../../../proxy/calls/reserve/settle-quota.ts';
import { addAttemptCosts } from '../../../../proxy/calls/settle/failed-attempt.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import type { Price } from '../../../../proxy/prices/price.ts';
import { makeDatabaseClock } from '../../../../proxy/quota/database-clock.ts';
import { makeQuota, type Quota } from '../../../../proxy/quota/quota.ts';
import type { RoutedKey } from '../../../../proxy/snapshot/snapshot.ts';
import { batchOf } from '../../../database/batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../../database/tenant.ts';
import { propertyRuns } from '../../../property-runs.ts';
import { makeRecord } from '../../../request-record.ts';
import { suiteScope } from '../../../scope.ts';
import { makeKey, provider } from '../../snapshot.ts';
import { makeCallContext } from '../context.ts';

/** What a token costs, in 10^-9 dollars, by the provider's name. */
const tokenNanoUsd: Readonly<Record<string, number>> = { cheap: 10, dear: 30 };
const dollars = (nano: number) => (nano / 1e9).toFixed(9);
const price: Price = (name, _, { inputTokens, outputTokens }) =>
  dollars(((inputTokens ?? 0) + (outputTokens ?? 0)) * (tokenNanoUsd[name] ?? 0));

const day = '24h';
/** On a slow machine PostgreSQL may not answer in time, and what nobody has leased must not be used then, either. */
const whenUnavailable = 'Deny';
const ofOrganization = {
  limits: [
    { name: 'calls', per: 'Organization', requests: { count: 20, window: day }, whenUnavailable },
    { name: 'places', per: 'Organization', concurrent: 5, whenUnavailable },
    { name: 'each-key', per: 'Key', requests: { count: 8, window: '5m' }, whenUnavailable },
    { name: 'key-tokens', per: 'Key', tokens: { count: 900, window: day, of: 'Total' }, whenUnavailable },
  ],
  budgets: [
    { name: 'all', per: 'Organization', amountUsd: dollars(40_000), window: 'Total', whenUnavailable },
    { name: 'key', per: 'Key', amountUsd: dollars(20_000), window: 'Day', onShortfall: 'Shorten', whenUnavailable },
  ],
} as unknown as OrganizationSpec;
const ofBinding = {
  limits: [{ name: 'own', per: 'Key', requests: { count: 5, window: day }, whenUnavailable }],
  budgets: [{ name: 'own', per: 'Key', amountUsd: dollars(9_000), window: 'Total', whenUnavailable }],
} as unknown as BindingRules;
/** The most that may be used of a counter, by its rule and unit. */
const limits: Readonly<Record<string, number>> = {
  'limits/calls requests': 20,
  'limits/places concurrent': 5,
  'limits/each-key requests': 8,
  'limits/key-tokens tokens': 900,
  'budgets/all nano_usd': 40_000,
  'budgets/key nano_usd': 20_000,
  'web/few/limits/own requests': 5,
  'web/few/budgets/own nano_usd': 9_000,
};

const few = randomUUID();
const named = (name: string, id: string = randomUUID(), rules?: BindingRules) =>
  makeKey(id, { provider: { ...provider, name }, rules, binding: id === few ? 'web/few' : `web/${id}` });
const keys = [named('cheap'), named('cheap', few, ofBinding), named('dear'), named('dear')];
const keyOf = (number: number): RoutedKey => keys[number % keys.length] ?? assert.fail();
const sent = 'x'.repeat(40);

const nat = fc.nat({ max: 50 });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      proxy: fc.nat(1),
      key: nat,
      tokens: fc.integer({ min: 20, max: 200 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), call: nat, key: nat, billed: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('end' as const), call: nat, used: fc.nat(240), isKnown: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('defer' as const), call: nat }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('late' as const), call: nat, used: fc.nat(240), isKnown: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tick' as const), proxy: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ship' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1_000, 20_000, 120_000) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface Running {
  readonly reserve: Reserve;
  readonly reservation: Reservation;
  readonly sought: Sought;
  readonly attempts: FailedAttempt[];
  key: RoutedKey;
  /** Waits for the database. */
  isMoving: boolean;
}

interface WorldOptions {
  readonly database: OwnedDatabase;
  readonly tenant: Tenant;
  readonly asTenant: Client;
  /** A connection for each proxy. */
  readonly owners: readonly Client[];
}

/** Two proxies of one organization over the SQL of the database. Answers of the database come in between other steps. */
class World {
  nowMs = Date.parse('2026-01-01');
  readonly running: Running[] = [];
  readonly ended: RequestRecord[] = [];
  /** Calls that their providers still work on, and the most that they may use. */
  readonly pending: { readonly call: PendingCall; readonly tokens: number }[] = [];
  /** Pending calls that are not in the database yet. */
  readonly #undeferred: PendingCall[] = [];
  #shipments = 0;
  readonly #unsent: RequestRecord[] = [];
  readonly #waiting: Promise<unknown>[] = [];
  readonly #database: OwnedDatabase;
  readonly #tenant: Tenant;
  readonly #asTenant: Client;
  readonly quotas: Quota[];
  readonly reserves: readonly Reserve[];
  readonly #context: CallContext;

  constructor({ database, tenant, asTenant, owners }: WorldOptions) {
    this.#database = database;
    this.#tenant = tenant;
    this.#asTenant = asTenant;
    this.quotas = owners.map((owner) => this.#makeQuota(owner));
    this.reserves = this.quotas.map((quota) => makeLimits({ quota, origin: undefined, onLimited: () => {} }));
    const context = makeCallContext({ spec: ofOrganization, keys: new Map(keys.map((key) => [key.id, key])) });
    this.#context = { ...context, inForce: { ...context.inForce, price } };
  }

  #makeQuota(owner: Client): Quota {
    const lease = async (demands: readonly QuotaDemand[]) => {
      const { rows } = await owner.query<QuotaGrant>(
        `select counter_id::float8 as "counterId", lease_id::float8 as "leaseId", granted::float8 as granted,
           room::float8 as room, is_current as "isCurrent", $3::float8 as "atMs"
         from chaperone.lease_quota_of($1, $2, timestamptz 'epoch' + $3 * interval '1 millisecond')`,
        [this.#tenant.id, JSON.stringify(demands.map(rowOf)), this.nowMs],
      );
      return rows;
    };
    const clock = makeDatabaseClock(
      () => this.nowMs,
      () => this.nowMs,
    );
    const whenStored = () => {
      const before = this.#shipments;
      return () => this.#shipments > before;
    };
    return makeQuota({ lease, clock, whenStored, every: () => () => {} });
  }

  /** Notes what becomes of something that may wait for the database. */
  #later<T>(result: T | Promise<T>, next: (value: T) => void): void {
    if (result instanceof Promise) this.#waiting.push(result.then(next, onlyRefusals));
    else next(result);
  }

  call(reserve: Reserve, key: RoutedKey, tokens: number): void {
    const sought: Sought = {
      ...{ context: this.#context, operation: 'chat', model: 'gpt-4o', key, sent, hasReferences: false },
      body: { max_tokens: tokens },
    };
    try {
      this.#later(reserve(sought), (reservation) => {
        this.running.push({ reserve, reservation, sought, key, attempts: [], isMoving: false });
      });
    } catch (error) {
      onlyRefusals(error);
    }
  }

  /** The most that the present attempt may cost and use. */
  boundOf({ sought, reservation, key }: Running) {
    const { max_tokens: stated } = { ...sought.body, ...reservation.changes };
    const tokens = sent.length + Number(stated);
    return { tokens, nanoUsd: tokens * (tokenNanoUsd[key.provider.name] ?? 0) };
  }

  /** An attempt fails, and another key is to serve the call. Where no rule admits that, the call ends. */
  fail(call: Running, next: RoutedKey, isBilled: boolean): void {
    const { key, attempts, reservation, sought } = call;
    const cost = isBilled ? { cost_usd: dollars(this.boundOf(call).nanoUsd) } : {};
    const attempt: FailedAttempt = {
      ...{ provider: key.provider.name, api_key_id: key.id, kind: 'provider_error', reason: 'x', http_status: 200 },
      ...{ duration_ms: 1, ...cost },
    };
    const failed = [...attempts, attempt].reduce((sum, { cost_usd }) => sum + nanoUsdOf(cost_usd ?? '0'), 0);
    const { changes } = reservation;
    const asked = { ...sought, key: next, body: { ...sought.body, ...changes } };
    call.isMoving = true;
    this.#later(reservation.moveTo(asked, failed), (refused) => {
      call.isMoving = false;
      attempts.push(attempt);
      if (refused) this.end(call, undefined);
      else call.key = next;
    });
  }

  /** The provider works on after its answer, whatever becomes of the proxy. */
  defer(call: Running): void {
    const { tokens } = this.boundOf(call);
    this.running.splice(this.running.indexOf(call), 1);
    const { reservation, attempts, key } = call;
    const record = makeRecord(this.#tenant.id, {
      ...{ api_key_id: key.id, provider: key.provider.name, ...(attempts.length > 0 && { attempts }) },
      duration_ms: null,
    });
    const deferred = { ...record, response_id: record.request_id, input_sealed: null, output_sealed: null };
    const pending: PendingCall = { ...deferred, ...reservation.pendingQuota() };
    this.pending.push({ call: pending, tokens });
    this.#undeferred.push(pending);
    reservation.settle(record);
  }

  /** @param used undefined: the provider does not tell any more */
  endLate(pending: { readonly call: PendingCall; readonly tokens: number }, used: number | undefined): void {
    this.pending.splice(this.pending.indexOf(pending), 1);
    const { call } = pending;
    const answered = used !== undefined;
    const record: PendingCall = {
      ...call,
      ...{ input_tokens: answered ? 0 : null, output_tokens: used ?? null, total_tokens: used ?? null },
      cost_usd: answered ? dollars(used * (tokenNanoUsd[call.provider] ?? 0)) : null,
      ...{ duration_ms: 1, ...(!answered && { status: 'failed', http_status: null }) },
    };
    addAttemptCosts(record);
    settleQuota(record);
    this.ended.push(record);
    this.#unsent.push(record);
  }

  /** @param used undefined: the last attempt was not made, or its provider did not answer */
  end(call: Running, used: number | undefined): void {
    this.running.splice(this.running.indexOf(call), 1);
    const { reservation, attempts, key } = call;
    const answered = used !== undefined;
    const record = makeRecord(this.#tenant.id, {
      ...{ api_key_id: key.id, provider: key.provider.name, ...(attempts.length > 0 && { attempts }) },
      ...{ input_tokens: answered ? 0 : null, output_tokens: used ?? null, total_tokens: used ?? null },
      cost_usd: answered ? dollars(used * (tokenNanoUsd[key.provider.name] ?? 0)) : null,
      ...(!answered && { status: 'failed', http_status: null }),
    });
    addAttemptCosts(record);
    reservation.settle(record);
    this.ended.push(record);
    this.#unsent.push(record);
  }

  async answer(): Promise<void> {
    while (this.#waiting.length > 0) await Promise.all(this.#waiting.splice(0));
    await Promise.all(this.quotas.map((quota) => quota.idle()));
  }

  async ship(): Promise<void> {
    const [deferred, records] = [this.#undeferred.splice(0), this.#unsent.splice(0)];
    if (deferred.length > 0) await insertPendingCalls(this.#asTenant, this.#tenant.id, JSON.stringify(deferred));
    if (records.length > 0) {
      await insertRequests(this.#asTenant, this.#tenant.id, batchOf(records));
      await markSettled(this.#asTenant, this.#tenant.id, JSON.stringify(records));
    }
    this.#shipments += 1;
  }

  async apply(next: Step): Promise<void> {
    const still = this.running.filter(({ isMoving }) => !isMoving);
    const call = 'call' in next ? still[next.call % Math.max(1, still.length)] : undefined;
    switch (next.kind) {
      case 'call':
        this.call(this.reserves[next.proxy] ?? assert.fail(), keyOf(next.key), next.tokens);
        return;
      case 'fail':
        if (call && keyOf(next.key) !== call.key) this.fail(call, keyOf(next.key), next.billed);
        return;
      case 'end':
        if (call) this.end(call, next.isKnown ? Math.min(next.used, this.boundOf(call).tokens) : undefined);
        return;
      case 'defer':
        if (call) this.defer(call);
        return;
      case 'late': {
        const pending = this.pending[next.call % Math.max(1, this.pending.length)];
        if (pending) this.endLate(pending, next.isKnown ? Math.min(next.used, pending.tokens) : undefined);
        return;
      }
      case 'answer':
        await this.answer();
        return;
      case 'tick':
        this.quotas[next.proxy]?.tick();
        return;
      case 'ship':
        await this.ship();
        return;
      case 'pass':
        // As long as a lease lasts, its timer runs.
        for (let passed = 0; passed < next.ms; passed += 5_000) {
          await this.answer();
          for (const quota of this.quotas) quota.tick();
          await this.answer();
          this.nowMs += Math.min(5_000, next.ms);
        }
    }
  }

  /** What records count, and what running calls have reserved, by counter. */
  counted(): Map<number, number> {
    const counted = new Map<number, number>();
    const add = (quota: string | undefined) => {
      const numbers = quota?.split(',').map(Number) ?? [];
      for (let at = 0; at < numbers.length; at += 4) {
        const [, counter = 0, , amount = 0] = numbers.slice(at, at + 4);
        counted.set(counter, (counted.get(counter) ?? 0) + amount);
      }
    };
    for (const { quota } of this.ended) add(quota);
    for (const { call } of this.pending) add(call.quota);
    for (const { reservation } of this.running) add(reservation.quota);
    return counted;
  }

  /** The limit of each counter, by its id. */
  async counters() {
    const { rows } = await this.#database.owner.query<{
      id: number;
      rule: string;
      unit: string;
      scope: string;
      used: number;
    }>(
      `select counter_id::float8 as id, rule, unit, scope, (used + (
           select coalesce(sum(settled), 0) from chaperone.quota_leases l
           where l.organization_id = c.organization_id and l.counter_id = c.counter_id))::float8 as used
       from chaperone.quota_counters c where organization_id = $1`,
      [this.#tenant.id],
    );
    return rows;
  }
}

function onlyRefusals(error: unknown): void {
  if (!(error instanceof ProxyError) || (error.status !== 429 && error.code !== 'quota_unavailable')) throw error;
}

/** What each rule must have counted of these calls: the key that served them, and what failed attempts have cost each key. */
function expectedOf(records: readonly RequestRecord[]): Map<string, number> {
  const expected = new Map<string, number>();
  const add = (rule: string, unit: string, scope: string, amount: number) => {
    if (amount === 0) return;
    const id = [rule, unit, scope].join(' ');
    expected.set(id, (expected.get(id) ?? 0) + amount);
  };
  const ofKey = (
    key: string,
    add: (rule: string, unit: string, amount: number) => void,
    calls: number,
    nano: number,
  ) => {
    add('limits/each-key', 'requests', calls);
    add('budgets/key', 'nano_usd', nano);
    if (key !== few) return;
    add('web/few/limits/own', 'requests', calls);
    add('web/few/budgets/own', 'nano_usd', nano);
  };
  for (const { api_key_id: key, attempts = [], cost_usd: cost, total_tokens: tokens } of records) {
    const failed = attempts.reduce((sum, { cost_usd }) => sum + nanoUsdOf(cost_usd ?? '0'), 0);
    const total = cost === null ? failed : nanoUsdOf(cost);
    add('limits/calls', 'requests', '', 1);
    add('budgets/all', 'nano_usd', '', total);
    const scoped = (id: string) => (rule: string, unit: string, amount: number) => add(rule, unit, id, amount);
    ofKey(key ?? '', scoped(key ?? ''), 1, total - failed);
    add('limits/key-tokens', 'tokens', key ?? '', tokens ?? 0);
    for (const { api_key_id: id, cost_usd } of attempts) ofKey(id, scoped(id), 0, nanoUsdOf(cost_usd ?? '0'));
  }
  return new Map([...expected].sort());
}

describe('calls that go on with other keys', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  let tenant: Tenant;
  let asTenant: Client;
  let owners: Client[];
  before(async () => {
    database = await openDatabase(scope);
    tenant = await makeTenant(database);
    asTenant = await connect(scope, tenant.url);
    owners = [await connect(scope, database.url), await connect(scope, database.url)];
  });
  const makeWorld = async () => {
    await database.owner.query('truncate chaperone.quota_counters, chaperone.quota_leases, chaperone.pending_calls');
    return new World({ database, tenant, asTenant, owners });
  };

  const check = async (world: World) => {
    const counters = new Map((await world.counters()).map((counter) => [counter.id, counter]));
    for (const [id, amount] of world.counted()) {
      const { rule, unit } = counters.get(id) ?? assert.fail('a counter that nobody has');
      const limit = limits[`${rule} ${unit}`] ?? assert.fail(`${rule} ${unit}`);
      assert.ok(amount <= limit, `${amount} of ${limit} by ${rule} ${unit}`);
    }
  };

  const usedOf = async (world: World) => {
    const sums = new Map<string, number>();
    for (const { rule, unit, scope: of, used } of await world.counters()) {
      const id = [rule, unit, of].join(' ');
      if (used > 0) sums.set(id, (sums.get(id) ?? 0) + used);
    }
    return new Map([...sums].sort());
  };

  it('count what a failed attempt was billed where no rule admits another one', async () => {
    const world = await makeWorld();
    const only = () => world.running[0] ?? assert.fail('no call runs');
    // All that the limit of the other key allows.
    for (let number = 0; number < 5; number += 1) {
      world.call(world.reserves[0] ?? assert.fail(), keyOf(1), 20);
      await world.answer();
      world.end(only(), 1);
    }
    world.call(world.reserves[0] ?? assert.fail(), keyOf(0), 20);
    await world.answer();
    const { nanoUsd } = world.boundOf(only());
    world.fail(only(), keyOf(1), true);
    await world.answer();
    assert.equal(world.running.length, 0, 'the call has ended');
    await world.ship();
    const counted = await usedOf(world);
    assert.deepEqual(counted, expectedOf(world.ended));
    assert.equal(counted.get(`budgets/key nano_usd ${keyOf(0).id}`), nanoUsd);
  });

  it('count what a failed attempt was billed where the provider works on after the answer, and the proxy is gone', async () => {
    const world = await makeWorld();
    world.call(world.reserves[0] ?? assert.fail(), keyOf(1), 20);
    await world.answer();
    const running = () => world.running[0] ?? assert.fail('no call runs');
    const { nanoUsd } = world.boundOf(running());
    world.fail(running(), keyOf(0), true);
    await world.answer();
    world.defer(running());
    await world.ship();
    // The proxy says no more. What its leases had is forgotten an hour later.
    const [, other] = world.quotas;
    world.nowMs += 2 * 3_600_000;
    world.endLate(world.pending[0] ?? assert.fail(), 20);
    await world.ship();
    const counted = await usedOf(world);
    assert.deepEqual(counted, expectedOf(world.ended));
    assert.equal(counted.get(`web/few/budgets/own nano_usd ${few}`), nanoUsd);
    await other?.stop();
  });

  it('never use more than any rule allows, and count what each key has served, in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const world = await makeWorld();
        for (const next of steps) {
          await world.apply(next);
          if (next.kind === 'answer' || next.kind === 'pass') await check(world);
        }
        await world.answer();
        for (const call of [...world.running]) world.end(call, 20);
        for (const pending of [...world.pending]) world.endLate(pending, 20);
        for (const quota of world.quotas) await quota.stop();
        await world.ship();
        await check(world);
        assert.deepEqual(await usedOf(world), expectedOf(world.ended));
      }),
      { numRuns: propertyRuns(60) },
    );
  });
});
