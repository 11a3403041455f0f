import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type QuotaDemand, type QuotaGrant, rowOf } from '../../../database/quota.ts';
import type { Claim } from '../../../proxy/quota/claim.ts';
import type { Counted } from '../../../proxy/quota/counted.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota } from '../../../proxy/quota/quota.ts';
import { makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../database/tenant.ts';
import { suiteScope } from '../../scope.ts';

const rule = { enforces: true, allowsUnavailable: false };
const startMs = Date.parse('2026-01-01');
const limit = 6_000;
/** Of each proxy. Each makes one call after another. */
const clients = 2;
const callMs = [8, 20] as const;
/** As clients do that are refused. */
const retryMs = 20;
/** A client gives up that was refused for so long. */
const patienceMs = 1_500;

const lateMs = [200, 400] as const;

type Range = readonly [least: number, most: number];

/** Proxies that use up a limit without a pause. */
interface Load {
  readonly name: string;
  readonly proxies: number;
  /** From a demand to its answer. */
  readonly answerMs: Range;
  /** The part of the answers that take `lateMs`. */
  readonly latePart: number;
}

const loads: readonly Load[] = [
  { name: 'of a slow database', proxies: 8, answerMs: [160, 240], latePart: 0 },
  { name: 'of a database that is slow now and then', proxies: 8, answerMs: [4, 40], latePart: 0.2 },
];

/** Proxies that share a limit over the SQL of the database, in a time that the test makes. */
describe('proxies that use up a limit', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  let tenant: Tenant;
  before(async () => {
    database = await openDatabase(scope);
    tenant = await makeTenant(database);
  });

  /** @returns how many calls were made, and after how many of them a call waited for the database */
  const useUp = async (load: Load): Promise<{ made: number; waits: number[] }> => {
    let atMs = 0;
    let made = 0;
    const waits: number[] = [];
    const random = makeRandom();
    const within = ([least, most]: Range) => Math.round(least + random() * (most - least));
    const due = new Map<number, (() => void | Promise<void>)[]>();
    const after = (ms: number, run: () => void | Promise<void>) => {
      const when = atMs + Math.max(1, Math.round(ms));
      const others = due.get(when);
      if (others) others.push(run);
      else due.set(when, [run]);
    };
    const leased = async (demands: readonly QuotaDemand[]) => {
      const { rows } = await database.owner.query<QuotaGrant>(
        `select counter_id::float8 as "counterId", lease_id::float8 as "leaseId", granted::float8 as granted,
           room::float8 as room, is_current as "isCurrent", $3::float8 as "atMs"
         from chaperone.lease_quota_of($1, $2, timestamptz 'epoch' + $3 * interval '1 millisecond')`,
        [tenant.id, JSON.stringify(demands.map(rowOf)), startMs + atMs],
      );
      return rows;
    };
    const counted: Counted = {
      ...{ rule: `limits/${load.name}`, unit: 'requests', per: 'Organization', window: { kind: 'total' } },
      amountAt: () => limit,
    };
    const startProxy = () => {
      const quota = makeQuota({
        lease: (demands) =>
          new Promise((resolve, reject) => {
            const tookMs = within(random() < load.latePart ? lateMs : load.answerMs);
            after(tookMs / 2, async () => {
              const rows = await leased(demands).catch(reject);
              if (rows) after(tookMs / 2, () => resolve(rows));
            });
          }),
        clock: makeDatabaseClock(
          () => atMs,
          () => startMs + atMs,
        ),
        every: () => () => {},
        after(ms, run) {
          let isOn = true;
          after(ms, () => (isOn ? run() : undefined));
          return () => {
            isOn = false;
          };
        },
        onWait: () => waits.push(made),
      });
      const slices = quota.use([counted])(counted);
      const tick = () => {
        quota.tick();
        after(1_000, tick);
      };
      after(random() * 1_000, tick);
      const call = (refusedAtMs = Number.POSITIVE_INFINITY) => {
        const now = quota.clock.now();
        const claim: Claim = quota.claim(rule, slices, '', 1, now);
        const goOn = (isRefused: boolean) => {
          if (isRefused) {
            const sinceMs = Math.min(refusedAtMs, atMs);
            if (atMs - sinceMs < patienceMs) after(retryMs, () => call(sinceMs));
            return;
          }
          made += 1;
          after(within(callMs), () => {
            claim.slice.settle(1, 1, atMs);
            call();
          });
        };
        const taken = quota.take([claim], now);
        if (taken instanceof Promise) void taken.then((shortfalls) => goOn(shortfalls !== undefined));
        else goOn(taken !== undefined);
      };
      for (let client = 0; client < clients; client += 1) call();
    };
    for (let number = 0; number < load.proxies; number += 1) startProxy();
    for (let lastMadeMs = 0, last = 0; atMs - lastMadeMs < 2 * patienceMs; atMs += 1) {
      for (const run of due.get(atMs) ?? []) await run();
      // What was answered goes on.
      if (due.delete(atMs)) await setImmediate();
      if (made > last) lastMadeMs = atMs;
      last = made;
    }
    return { made, waits };
  };

  for (const load of loads) {
    it(`never wait for the database between the first fifth of it and the last tenth: ${load.proxies} ${load.name}`, async () => {
      const { made, waits } = await useUp(load);
      assert.ok(made <= limit && made >= 0.99 * limit, `${made} of ${limit}`);
      const steady = waits.filter((after) => after >= 0.2 * limit && after < 0.9 * limit);
      assert.deepEqual(steady, [], 'after so many calls');
    });
  }
});

/** Mulberry32: the same numbers in each run. */
function makeRandom(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
