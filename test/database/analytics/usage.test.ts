import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { Client } from 'pg';
import { readClientUsage } from '../../../database/analytics/clients.ts';
import { readSelectedUsage } from '../../../database/analytics/excluded.ts';
import type { UsageFilter } from '../../../database/analytics/filter.ts';
import { foldSomeUnlessBusy, foldUsage, readFolded } from '../../../database/analytics/fold.ts';
import { readModelUsage } from '../../../database/analytics/models.ts';
import { readTopUsers, readUsageBreakdown } from '../../../database/analytics/persona.ts';
import { readPersonaUsage } from '../../../database/analytics/personas.ts';
import { readSessions, readSessionTotals } from '../../../database/analytics/sessions.ts';
import type { UsageSums, UsageTotals } from '../../../database/analytics/usage.ts';
import { readUserUsage } from '../../../database/analytics/users.ts';
import { nobody, userIdOf } from '../../../database/ids.ts';
import { insertRequests } from '../../../database/insert-requests.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { propertyRuns } from '../../property-runs.ts';
import { makeRecord } from '../../request-record.ts';
import { suiteScope } from '../../scope.ts';
import { batchOf } from '../batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../tenant.ts';
import {
  answeredBy,
  cacheSums,
  dayOf,
  groupBy,
  modelOf,
  picodollars,
  select,
  session,
  sums,
  total,
  totalCost,
  usedModels,
} from './recompute.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
const everything = { limit: 1_000, offset: 0 };
const userNames = ['ada', 'bob', 'eve', null] as const;
const personaIds = ['0d0f6d1e-7a43-4f07-8a0f-0f6f3a5c1a01', '0d0f6d1e-7a43-4f07-8a0f-0f6f3a5c1a02'] as const;
/** One is only asked for, one only answers, one does both. */
const models = ['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-mini-2024-07-18'] as const;
const day = (index: number) => new Date(Date.UTC(2026, 5, 1 + index)).toISOString().slice(0, 10);
/** The first is a Monday, so two whole weeks are among them. */
const dayCount = 17;

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const drawnRecord = fc.record({
  user: fc.constantFrom(...userNames),
  session_id: fc.constantFrom('s1', 's2', 's3', 's4'),
  persona_id: fc.constantFrom(...personaIds, null),
  model: fc.constantFrom('gpt-4o-2024-08-06', 'gpt-4o-mini-2024-07-18', null),
  requested_model: fc.constantFrom('gpt-4o', 'gpt-4o-mini-2024-07-18', null),
  kind: fc.constantFrom('call', 'call', 'call', 'analysis'),
  operation: fc.constantFrom('responses', 'responses', 'moderations', 'speech'),
  characters: fc.constantFrom(undefined, undefined, 7),
  client_name: fc.constantFrom('OpenAI/JS', 'codex_cli_rs', undefined),
  client_version: fc.constantFrom('1.0', '2.0', undefined),
  safety_identifier: fc.constantFrom('hashed', undefined),
  end_user: fc.constantFrom('one', 'two', undefined),
  status: fc.constantFrom('completed', 'completed', 'failed', 'cancelled', 'interrupted'),
  day: fc.oneof(fc.nat(5), fc.nat(dayCount - 1)),
  // Often just before or after midnight.
  ms: fc.oneof(fc.nat(86_399_999), fc.constantFrom(0, 1, 86_399_999)),
  input_tokens: maybe(fc.nat(1e9)),
  output_tokens: maybe(fc.nat(1e9)),
  total_tokens: maybe(fc.nat(2 ** 39)),
  cost_usd: maybe(
    fc.bigInt(0n, 10n ** 18n).map((cost) => `${cost / 10n ** 12n}.${String(cost % 10n ** 12n).padStart(12, '0')}`),
  ),
  duration_ms: maybe(fc.nat(600_000)),
  cached: fc.oneof(
    fc.constant({}),
    fc.constantFrom({ cache_status: 'miss' as const }, { cache_status: 'bypass' as const }),
    fc.constantFrom({ cache_status: 'hit' as const }),
    fc.nat(1e9).map((avoided) => ({
      cache_status: 'hit' as const,
      avoided_cost_usd: `0.${String(avoided).padStart(12, '0')}`,
      cache_savings_usd: `0.${String(Math.floor(avoided / 2)).padStart(12, '0')}`,
    })),
  ),
} satisfies Record<string, fc.Arbitrary<unknown>>);
type Drawn = typeof drawnRecord extends fc.Arbitrary<infer T> ? T : never;

function toRecord(tenant: Tenant, { user, day: index, ms, characters, cached, ...columns }: Drawn): RequestRecord {
  return makeRecord(tenant.id, {
    ...columns,
    ...cached,
    ...(characters !== undefined && { characters }),
    started_at: new Date(Date.UTC(2026, 5, 1 + index) + ms).toISOString(),
    user_id: user === null ? nobody : userIdOf(tenant.id, user),
    user_external_id: user,
  });
}

const drawnFilter = fc.record({
  days: fc.tuple(fc.nat(dayCount - 1), fc.nat(dayCount - 1)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  kind: fc.constantFrom('call', 'call', 'analysis', null),
  user: fc.constantFrom(...userNames, undefined, undefined),
  personaId: fc.constantFrom(...personaIds, nobody, null, null, null),
  model: fc.constantFrom(...models, 'none', null, null, null),
  attributes: fc.oneof(
    fc.constant(undefined),
    fc.record({
      clientName: fc.constantFrom('OpenAI/JS', 'codex_cli_rs', null),
      clientVersion: fc.constantFrom('2.0', null, null),
      safetyIdentifier: fc.constantFrom('hashed', null, null),
      endUser: fc.constantFrom('two', 'nobody', null, null),
    }),
  ),
  page: fc.record({ limit: fc.integer({ min: 1, max: 5 }), offset: fc.nat(4) }),
  activeSince: fc.nat(dayCount * 24).map((hour) => new Date(Date.UTC(2026, 5, 1, hour))),
});
type DrawnFilter = typeof drawnFilter extends fc.Arbitrary<infer T> ? T : never;
/** What sessions have sums of their own for. */
const facetFilter = fc
  .tuple(
    drawnFilter,
    fc.constantFrom(
      ...personaIds.map((personaId) => ({ kind: 'call', personaId, model: null }) as const),
      ...models.map((model) => ({ kind: 'call', personaId: null, model }) as const),
    ),
  )
  .map(([filter, facet]): DrawnFilter => ({ ...filter, ...facet }));

function toFilter(tenant: Tenant, { days, kind, user, personaId, model, attributes }: DrawnFilter): UsageFilter {
  const userId = user === undefined ? null : user === null ? nobody : userIdOf(tenant.id, user);
  const [first, last] = days;
  return {
    organizationId: tenant.id,
    firstDay: day(first),
    lastDay: day(last),
    kind,
    userId,
    personaId,
    model,
    attributes,
  };
}

function toSums(row: UsageSums) {
  return {
    requestCount: Number(row.requestCount),
    completedCount: Number(row.completedCount),
    unpricedCount: Number(row.unpricedCount),
    inputTokens: Number(row.inputTokens),
    outputTokens: Number(row.outputTokens),
    totalTokens: Number(row.totalTokens),
    costUsd: picodollars(row.costUsd),
    durationMs: Number(row.durationMs),
    durationCount: Number(row.durationCount),
    lastRequestAt: row.lastRequestAt.getTime(),
    ...toCacheSums(row),
  };
}

function toCacheSums(row: Omit<UsageTotals, 'groups'>) {
  return {
    cacheHitCount: Number(row.cacheHitCount),
    cacheMissCount: Number(row.cacheMissCount),
    unpricedHitCount: Number(row.unpricedHitCount),
    avoidedCostUsd: picodollars(row.avoidedCostUsd),
    cacheSavingsUsd: picodollars(row.cacheSavingsUsd),
  };
}

const insert = (db: Client, tenant: Tenant, records: readonly RequestRecord[]) =>
  insertRequests(db, tenant.id, batchOf(records));

/** Compares each question that analytics ask with what the records themselves say. */
async function compare(db: Client, tenant: Tenant, records: readonly RequestRecord[], drawn: DrawnFilter) {
  const filter = toFilter(tenant, drawn);
  const selected = select(records, filter);
  const externalId = (userId: string) =>
    userNames.find((name) => name !== null && userIdOf(tenant.id, name) === userId) ?? null;
  const byName = <T>(entries: [string, T][]) => new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));

  const models = await readModelUsage(db, filter, everything);
  assert.deepEqual(
    byName(models.groups.map((row) => [row.model, toSums(row)])),
    byName([...groupBy(selected, modelOf)].map(([model, of]) => [model, sums(of)])),
  );
  for (const { model, answeredBy: parts } of models.groups) {
    assert.deepEqual(
      byName(parts.map((part) => [part.model, [part.requestCount, part.totalTokens, picodollars(part.costUsd)]])),
      byName(
        [
          ...groupBy(
            selected.filter((record) => modelOf(record) === model),
            answeredBy,
          ),
        ].map(([by, of]) => [by, [of.length, total(of, ({ total_tokens }) => total_tokens), totalCost(of)]]),
      ),
    );
  }
  assert.equal(Number(models.totals.requestCount), selected.length);
  assert.equal(Number(models.totals.unpricedCount), sums(selected).unpricedCount);
  const ofBothKinds = await readSelectedUsage(db, filter);
  assert.deepEqual(
    byName(
      ofBothKinds.map(({ kind, hasPersona, requestCount, unpricedCount, costUsd }) => [
        `${kind} ${hasPersona}`,
        [Number(requestCount), Number(unpricedCount), picodollars(costUsd)],
      ]),
    ),
    byName(
      [
        ...groupBy(
          select(records, { ...filter, kind: null }),
          ({ kind, persona_id }) => `${kind} ${persona_id !== null}`,
        ),
      ].map(([key, of]) => [key, [of.length, sums(of).unpricedCount, totalCost(of)]]),
    ),
  );
  assert.equal(picodollars(models.totals.costUsd), totalCost(selected));
  assert.deepEqual(toCacheSums(models.totals), cacheSums(selected));
  const page = await readModelUsage(db, filter, drawn.page);
  assert.deepEqual(page.groups, models.groups.slice(drawn.page.offset, drawn.page.offset + drawn.page.limit));
  assert.deepEqual(page.totals, models.totals);

  const clients = await readClientUsage(db, filter, everything);
  assert.deepEqual(
    byName(clients.groups.map((row) => [`${row.client} ${row.version}`, toSums(row)])),
    byName(
      [
        ...groupBy(selected, ({ client_name, client_version }) => `${client_name ?? null} ${client_version ?? null}`),
      ].map(([key, of]) => [key, sums(of)]),
    ),
  );
  const users = await readUserUsage(db, filter, everything);
  assert.deepEqual(
    byName(users.groups.map((row) => [String(row.externalId), { ...toSums(row), models: row.models }])),
    byName(
      [...groupBy(selected, ({ user_id }) => user_id)].map(([userId, of]) => [
        String(externalId(userId)),
        { ...sums(of), models: usedModels(of) },
      ]),
    ),
  );
  assert.equal(users.totals.groups, users.groups.length);

  const breakdown = await readUsageBreakdown(db, filter);
  assert.deepEqual(
    byName(breakdown.map((row) => [String(row.day ?? row.model), { ...toSums(row), failed: Number(row.failedCount) }])),
    byName(
      [
        ...groupBy(selected, dayOf),
        ...groupBy(selected, modelOf),
        ...(selected.length > 0 ? [['null', selected] as const] : []),
      ].map(([key, of]) => [key, { ...sums(of), failed: of.filter(({ status }) => status === 'failed').length }]),
    ),
  );
  const top = await readTopUsers(db, filter, 10);
  assert.deepEqual(
    byName(
      top.map((row) => [
        String(row.externalId),
        [Number(row.requestCount), Number(row.totalTokens), picodollars(row.costUsd)],
      ]),
    ),
    byName(
      [...groupBy(selected, ({ user_id }) => user_id)].map(([userId, of]) => [
        String(externalId(userId)),
        [of.length, total(of, ({ total_tokens }) => total_tokens), totalCost(of)],
      ]),
    ),
  );
  const personas = await readPersonaUsage(db, filter, { ...everything, includeInactive: false, visibleTo: null });
  assert.deepEqual(
    byName(
      personas.groups
        .filter(({ requestCount }) => requestCount !== '0')
        .map((row) => [
          row.personaId,
          {
            requests: Number(row.requestCount),
            cost: picodollars(row.costUsd),
            models: row.models,
            ...toCacheSums(row),
          },
        ]),
    ),
    byName(
      [
        ...groupBy(
          selected.filter(({ persona_id }) => persona_id !== null),
          ({ persona_id }) => persona_id ?? '',
        ),
      ].map(([personaId, of]) => [
        personaId,
        { requests: of.length, cost: totalCost(of), models: usedModels(of), ...cacheSums(of) },
      ]),
    ),
  );
  await compareSessions(db, filter, selected, drawn, externalId);
}

async function compareSessions(
  db: Client,
  filter: UsageFilter,
  selected: readonly RequestRecord[],
  drawn: DrawnFilter,
  externalId: (userId: string) => string | null,
) {
  const expected = [...groupBy(selected, ({ user_id, session_id }) => `${user_id}/${session_id}`)]
    .map(([key, of]) => ({ key, ...session(of) }))
    .sort((a, b) => b.startedAt - a.startedAt || (a.key < b.key ? -1 : 1));
  const { limit, offset } = drawn.page;
  const listed = await readSessions(db, filter, drawn.page);
  assert.deepEqual(
    listed.map((row) => ({
      key: `${row.externalId}/${row.sessionId}`,
      startedAt: row.startedAt.getTime(),
      lastRequestAt: row.lastRequestAt.getTime(),
      requestCount: Number(row.requestCount),
      unpricedCount: Number(row.unpricedCount),
      totalTokens: Number(row.totalTokens),
      costUsd: picodollars(row.costUsd),
      models: row.models,
    })),
    expected.slice(offset, offset + limit).map(({ key, ...of }) => {
      const [userId = '', sessionId = ''] = key.split('/');
      return { key: `${externalId(userId)}/${sessionId}`, ...of };
    }),
  );
  const totals = await readSessionTotals(db, filter, drawn.activeSince);
  assert.deepEqual(
    [Number(totals.sessions), Number(totals.activeSessions), Number(totals.durationMs)],
    [
      expected.length,
      expected.filter(({ lastRequestAt }) => lastRequestAt >= drawn.activeSince.getTime()).length,
      expected.reduce((sum, { startedAt, lastRequestAt }) => sum + lastRequestAt - startedAt, 0),
    ],
  );
}

async function makePersonas(tenant: Tenant) {
  for (const personaId of personaIds) {
    await database.owner.query(
      `insert into chaperone.personas (organization_id, persona_id, name, content_encrypted) values ($1, $2, $3, '')`,
      [tenant.id, personaId, `persona ${personaId}`],
    );
  }
}

test('figures equal the records, also late and repeated ones of several proxies, with any filter', async (t) => {
  const plan = fc.array(drawnRecord, { minLength: 1, maxLength: 40 }).chain((drawn) =>
    fc.record({
      drawn: fc.constant(drawn),
      batches: fc.array(fc.array(fc.nat(drawn.length - 1), { minLength: 1, maxLength: 20 }), { maxLength: 8 }),
      foldAfter: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
      filters: fc.array(fc.oneof(drawnFilter, facetFilter), { minLength: 2, maxLength: 8 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(plan, async ({ drawn, batches, foldAfter, filters }) => {
      const tenant = await makeTenant(database);
      await makePersonas(tenant);
      const records = drawn.map((record) => toRecord(tenant, record));
      const proxies = await Promise.all([0, 1, 2].map(() => connect(scope, tenant.url)));
      const [reader] = proxies;
      assert.ok(reader);
      // Each proxy sends one batch after the other; together they send many at once.
      await Promise.all(
        proxies.map(async (db, index) => {
          for (const [number, batch] of batches.entries()) {
            if (number % proxies.length !== index) continue;
            await insert(
              db,
              tenant,
              [...new Set(batch)].flatMap((at) => records[at] ?? []),
            );
            if (foldAfter[number]) await foldSomeUnlessBusy(db);
          }
        }),
      );
      const sent = new Set(batches.flat());
      const there = records.filter((_, index) => sent.has(index));
      for (const filter of filters) await readFolded(reader, () => compare(reader, tenant, there, filter));
      // What comes late, with all that is there already.
      await insert(reader, tenant, records);
      for (const filter of filters) await readFolded(reader, () => compare(reader, tenant, records, filter));
      for (const db of proxies) await db.end();
    }),
    { numRuns: propertyRuns(25), interruptAfterTimeLimit: 120_000 },
  );
  t.diagnostic('25 histories');
});

test('a session that grows at both ends is found in each period that it covers', async () => {
  const tenant = await makeTenant(database);
  const db = await connect(scope, tenant.url);
  const records: RequestRecord[] = [];
  for (const at of [4, 2, 6, 6]) {
    const started_at = new Date(Date.UTC(2026, 5, 1 + at, records.length)).toISOString();
    records.push(makeRecord(tenant.id, { persona_id: personaIds[0], started_at }));
    await insert(db, tenant, records);
    await foldUsage(db);
    for (const { first, last } of periods(8)) {
      for (const [personaId, model] of [
        [null, null],
        [personaIds[0], null],
        [null, models[0]],
      ] as const) {
        const rest = { user: undefined, personaId, model, attributes: undefined };
        const drawn = { days: [first, last], kind: 'call', ...rest } as const;
        const filter = { ...drawn, page: everything, activeSince: new Date(started_at) };
        const selected = select(records, toFilter(tenant, filter));
        await compareSessions(db, toFilter(tenant, filter), selected, filter, () => 'ada');
      }
    }
  }
});

function periods(days: number) {
  const indices = [...Array(days).keys()];
  return indices.flatMap((first) => indices.slice(first).map((last) => ({ first, last })));
}

test('proxies that write and fold at once lose no record and do not block each other', async () => {
  const tenant = await makeTenant(database);
  const proxies = await Promise.all(Array.from({ length: 8 }, () => connect(scope, tenant.url)));
  const [reader] = proxies;
  assert.ok(reader);
  const at = (index: number) => new Date(Date.UTC(2026, 5, 1, 0, 0, index)).toISOString();
  await Promise.all(
    proxies.map(async (db, proxy) => {
      for (let batch = 0; batch < 10; batch += 1) {
        const records = Array.from({ length: 20 }, (_, index) =>
          makeRecord(tenant.id, {
            started_at: at(index),
            session_id: `s${(index * (proxy + 1)) % 7}`,
            cost_usd: '0.000000000001',
          }),
        );
        await insert(db, tenant, proxy % 2 === 0 ? records : records.toReversed());
        await (batch % 2 === 0 ? foldUsage(db) : foldSomeUnlessBusy(db));
      }
    }),
  );
  const filter = toFilter(tenant, {
    days: [0, 0],
    attributes: undefined,
    kind: 'call',
    user: undefined,
    personaId: null,
    model: null,
    page: everything,
    activeSince: new Date(),
  });
  const { totals } = await readFolded(reader, () => readModelUsage(reader, filter, everything));
  assert.deepEqual([Number(totals.requestCount), picodollars(totals.costUsd)], [8 * 10 * 20, 1_600n]);
});

test('a record of a transaction that was rolled back is in no figure', async () => {
  const tenant = await makeTenant(database);
  const db = await connect(scope, tenant.url);
  await db.query('begin');
  await insert(db, tenant, [makeRecord(tenant.id, { started_at: '2026-06-01T00:00:00.000Z' })]);
  await foldUsage(db);
  await db.query('rollback');
  const { rows } = await database.owner.query(
    `select 1 from chaperone.daily_usage where organization_id = $1
     union all select 1 from chaperone.weekly_usage where organization_id = $1
     union all select 1 from chaperone.unfolded_usage where organization_id = $1`,
    [tenant.id],
  );
  assert.deepEqual(rows, []);
});

test('the figures of an erased user stay, under an anonymous id', async () => {
  const tenant = await makeTenant(database);
  const db = await connect(scope, tenant.url);
  const of = (user: string, hour: number) =>
    makeRecord(tenant.id, {
      user_id: userIdOf(tenant.id, user),
      user_external_id: user,
      session_id: `session of ${user}`,
      persona_id: personaIds[0],
      started_at: new Date(Date.UTC(2026, 5, 1, hour)).toISOString(),
    });
  await insert(db, tenant, [of('ada', 1), of('ada', 3), of('bob', 1)]);
  await foldUsage(db);
  // Not folded before the erasure.
  await insert(db, tenant, [of('ada', 26), of('bob', 2)]);
  const ada = userIdOf(tenant.id, 'ada');
  const { rows } = await db.query<{ stranger: string }>('select chaperone.erase_user($1) as stranger', [ada]);
  await foldUsage(db);

  const period = { firstDay: '2026-06-01', lastDay: '2026-06-02' };
  const any = { organizationId: tenant.id, ...period, kind: 'call', personaId: null, model: null } as const;
  const count = async (filter: UsageFilter) => {
    const usage = await readUserUsage(db, filter, everything);
    const totals = await readSessionTotals(db, filter, new Date());
    const [session] = await readSessions(db, filter, everything);
    return [
      Number(usage.totals.requestCount),
      Number(totals.sessions),
      Number(totals.durationMs) / 3_600_000,
      session?.sessionId,
    ];
  };
  for (const facet of [any, { ...any, personaId: personaIds[0] }, { ...any, model: 'gpt-4o' }]) {
    assert.deepEqual(await count({ ...facet, userId: ada }), [0, 0, 0, undefined]);
    const [requests, sessions, hours, name] = await count({ ...facet, userId: rows[0]?.stranger ?? '' });
    assert.deepEqual([requests, sessions, hours], [3, 1, 25]);
    assert.match(String(name), /^erased-/);
    assert.deepEqual(await count({ ...facet, userId: userIdOf(tenant.id, 'bob') }), [2, 1, 1, 'session of bob']);
  }
});
