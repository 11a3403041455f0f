import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type QuotaDemand, type QuotaGrant, rowOf } from '../../../database/quota.ts';
import type { Claim } from '../../../proxy/quota/claim.ts';
import type { Counted } from '../../../proxy/quota/counted.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota, type Quota } from '../../../proxy/quota/quota.ts';
import { makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../database/tenant.ts';
import { propertyRuns } from '../../property-runs.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { refusalOf, startGovernedStack } from './governed-stack.ts';

const rule = { enforces: true, allowsUnavailable: false };
const stepMs = 100;

/** Somebody who makes one call after another at a proxy. */
interface Client {
  readonly quota: Quota;
  /** How long its calls last. */
  readonly callMs: number;
  /** How long it waits after a refusal. */
  readonly retryMs: number;
  call: Claim | undefined;
  untilMs: number;
  served: number;
  servedAtMs: number;
}

interface Load {
  readonly clients: number;
  readonly callMs: number;
  readonly retryMs: number;
}

/** Proxies that share places for concurrent calls over the SQL of the database, in a time that the test makes. */
describe('places for concurrent calls', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  let tenant: Tenant;
  let rules = 0;
  before(async () => {
    database = await openDatabase(scope);
    tenant = await makeTenant(database);
  });

  /** @returns each proxy's clients, after so long */
  const run = async (places: number, loads: readonly Load[], forMs: number): Promise<Client[][]> => {
    rules += 1;
    const counted: Counted = {
      ...{ rule: `limits/places-${rules}`, unit: 'concurrent', per: 'Organization', window: { kind: 'total' } },
      amountAt: () => places,
    };
    const startMs = Date.parse('2026-01-01');
    let nowMs = startMs;
    const lease = async (demands: readonly QuotaDemand[]) => {
      const { rows } = await database.owner.query<QuotaGrant>(
        `select counter_id::float8 as "counterId", lease_id::float8 as "leaseId", granted::float8 as granted,
           room::float8 as room, is_current as "isCurrent", $3::float8 as "atMs"
         from chaperone.lease_quota_of($1, $2, timestamptz 'epoch' + $3 * interval '1 millisecond')`,
        [tenant.id, JSON.stringify(demands.map(rowOf)), nowMs],
      );
      return rows;
    };
    const now = () => nowMs;
    const proxies = loads.map((load) => {
      const quota = makeQuota({ lease, clock: makeDatabaseClock(now, now), every: () => () => {} });
      const slices = quota.use([counted])(counted);
      const makeClient = (): Client => ({
        ...{ quota, callMs: load.callMs, retryMs: load.retryMs, call: undefined, untilMs: nowMs, served: 0 },
        servedAtMs: nowMs,
      });
      return { quota, slices, clients: Array.from({ length: load.clients }, makeClient) };
    });
    const all = proxies.flatMap(({ clients, slices }) => clients.map((client) => ({ client, slices })));
    for (; nowMs < startMs + forMs; nowMs += stepMs) {
      for (const { client } of all) {
        if (!client.call || nowMs < client.untilMs) continue;
        client.call.slice.settle(1, 0, nowMs);
        client.call = undefined;
      }
      for (const { client, slices } of all) {
        if (client.call || nowMs < client.untilMs) continue;
        const claim = client.quota.claim(rule, slices, '', 1, client.quota.clock.now());
        const isRefused = (await client.quota.take([claim], client.quota.clock.now())) !== undefined;
        client.untilMs = nowMs + (isRefused ? client.retryMs : client.callMs);
        if (isRefused) continue;
        client.call = claim;
        client.served += 1;
        client.servedAtMs = nowMs;
      }
      const running = all.filter(({ client }) => client.call !== undefined).length;
      assert.ok(running <= places, `${running} calls have ${places} places`);
      if ((nowMs - startMs) % 1_000 === 0) for (const { quota } of proxies) quota.tick();
      for (const { quota } of proxies) await quota.idle();
    }
    return proxies.map(({ clients }) => clients);
  };
  const servedBy = (clients: readonly Client[] | undefined) =>
    (clients ?? []).reduce((sum, each) => sum + each.served, 0);

  it('that a proxy has and does not use are free for another', async () => {
    const [, other] = await run(
      2,
      [
        { clients: 1, callMs: 60_000, retryMs: 1_000 },
        { clients: 1, callMs: 60_000, retryMs: 1_000 },
      ],
      4_000,
    );
    assert.equal(servedBy(other), 1, 'it runs, too');
  });

  it('go to another proxy although one would use all of them for ever', async () => {
    const [busy, other] = await run(
      1,
      [
        { clients: 4, callMs: 300, retryMs: 100 },
        { clients: 1, callMs: 300, retryMs: 1_000 },
      ],
      30_000,
    );
    assert.ok(servedBy(other) >= 3, `${servedBy(other)} calls of the other`);
    assert.ok(servedBy(busy) >= 3, `${servedBy(busy)} calls of the busy one`);
  });

  it('never are too many, and no proxy that asks for one waits for ever', async () => {
    const load = fc.record({
      clients: fc.integer({ min: 1, max: 4 }),
      callMs: fc.constantFrom(100, 300, 1_000, 2_500),
      retryMs: fc.constantFrom(100, 500, 1_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(load, { minLength: 2, maxLength: 3 }),
        async (places, loads) => {
          const forMs = 40_000;
          const proxies = await run(places, loads, forMs);
          const endMs = Date.parse('2026-01-01') + forMs;
          for (const clients of proxies) {
            const last = Math.max(...clients.map(({ servedAtMs }) => servedAtMs));
            assert.ok(endMs - last < 20_000, `none of ${JSON.stringify(proxies.map(servedBy))} for ${endMs - last} ms`);
          }
        },
      ),
      { numRuns: propertyRuns(6) },
    );
  });

  it('go round between two real proxies', async () => {
    const stack = await startGovernedStack(scope, { proxies: 2 });
    await stack.state('limits: [{name: place, concurrent: 1}]');
    const [busy, other = assert.fail()] = stack.proxies;
    const call = (proxy: typeof busy, user: string) =>
      stack.client(user, proxy).chat.completions.create({
        model: 'gpt-4o-mini',
        messages: [{ role: 'user', content: 'Hi' }],
        metadata: { sandbox: 'latency=50' },
      });
    let isOver = false;
    let made = 0;
    const oneAfterAnother = async () => {
      while (!isOver) {
        const refused = await call(busy, 'busy').then(
          () => undefined,
          (error) => refusalOf(Promise.reject(error)),
        );
        if (refused) assert.equal(refused.status, 429);
        else made += 1;
      }
    };
    const working = oneAfterAnother();
    try {
      await until(() => made > 3, 'a proxy that always has the place');
      for (let number = 0; number < 2; number += 1) {
        await until(
          () =>
            call(other, 'other').then(
              () => true,
              (error) => refusalOf(Promise.reject(error)).then(() => false),
            ),
          'the other proxy to get the place',
        );
        const before = made;
        await until(() => made > before, 'the first proxy to get it back');
      }
    } finally {
      isOver = true;
      await working;
    }
  });
});
