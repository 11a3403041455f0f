import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { nobody } from '../../database/ids.ts';
import type { Queryable } from '../../database/queryable.ts';
import { insertRatings, type RatingRecord } from '../../database/ratings.ts';
import { propertyRuns } from '../property-runs.ts';
import { suiteScope } from '../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let db: Queryable;
let tenant: Tenant;

before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
  db = await connect(scope, tenant.url);
});
function makeRating(requestId: string, second: number, rating: RatingRecord['rating'] = 1): RatingRecord {
  return {
    rating_id: randomUUID(),
    request_id: requestId,
    response_id: 'resp_1',
    user_id: nobody,
    rating,
    feedback: `at ${second}`,
    rated_by: null,
    rated_at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  };
}

test('the newest rating of each call counts, and each is in the history once, in any order of arrival', async () => {
  const drawn = fc.record({ call: fc.nat(2), rating: fc.constantFrom(1 as const, -1 as const) });
  const plan = fc
    .array(drawn, { minLength: 1, maxLength: 6 })
    .chain((ratings) =>
      fc.tuple(
        fc.constant(ratings),
        fc.array(fc.array(fc.nat(ratings.length - 1), { minLength: 1 }), { maxLength: 4 }),
      ),
    );
  await fc.assert(
    fc.asyncProperty(plan, async ([drawnRatings, batches]) => {
      const calls = [randomUUID(), randomUUID(), randomUUID()];
      const ratings = drawnRatings.map(({ call, rating }, second) => makeRating(calls[call] ?? '', second, rating));
      const all = ratings.map((_, index) => index);
      for (const batch of [all.toReversed(), ...batches]) {
        const sent = batch.flatMap((index) => ratings[index] ?? []);
        await insertRatings(db, tenant.id, JSON.stringify(sent));
      }
      const { rows } = await database.owner.query<{ request_id: string; feedback: string; rating: number }>(
        'select request_id, feedback, rating from chaperone.ratings where request_id = any ($1) order by request_id',
        [calls],
      );
      const newest = new Map(ratings.map((rating) => [rating.request_id, rating]));
      const expected = [...newest.values()].map(({ request_id, feedback, rating }) => ({
        request_id,
        feedback,
        rating,
      }));
      assert.deepEqual(
        rows,
        expected.sort((a, b) => (a.request_id < b.request_id ? -1 : 1)),
      );
      const history = await database.owner.query('select 1 from chaperone.rating_history where request_id = any ($1)', [
        calls,
      ]);
      assert.equal(history.rowCount, ratings.length);
    }),
    { numRuns: propertyRuns(20) },
  );
});

test('the sums of days are those of the ratings, whatever happens to these', async () => {
  const other = await makeTenant(database);
  const { owner } = database;
  const change = fc.record({
    call: fc.nat(4),
    day: fc.nat(2),
    rating: fc.constantFrom(1 as const, -1 as const),
    model: fc.constantFrom(null, 'gpt-4o', 'gpt-4.1'),
    step: fc.constantFrom('rate', 'rate', 'know', 'erase', 'remove'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
      await owner.query('delete from chaperone.ratings where organization_id = $1', [tenant.id]);
      for (const { call, day, rating, model, step } of changes) {
        const id = `req_days_${call}`;
        const rated = { ...makeRating(id, 86_400 * day, rating), rated_by: nobody };
        if (step === 'rate') await insertRatings(db, tenant.id, JSON.stringify([rated]));
        // What a fold knows of their calls.
        const known = `update chaperone.ratings set call_kind = $3, persona_id = $4, model = $5, requested_model = $5
          where organization_id = $1 and request_id <= $2`;
        const kind = rating === 1 ? 'call' : 'analysis';
        if (step === 'know') await owner.query(known, [tenant.id, id, kind, model && nobody, model]);
        if (step === 'erase') await owner.query('update chaperone.ratings set feedback = null');
        const removed = 'delete from chaperone.ratings where organization_id = $1 and request_id >= $2';
        if (step === 'remove') await owner.query(removed, [tenant.id, id]);
      }
      const { rows: sums } = await owner.query(
        `select organization_id, day::text, call_kind, persona_id, model, requested_model, rated_count, positive_count
         from chaperone.ratings_by_day order by 1, 2, 3, 4, 5, 6`,
      );
      const { rows: counted } = await owner.query(
        `select organization_id, (rated_at at time zone 'UTC')::date::text as day, coalesce(call_kind, 'call') as call_kind,
           coalesce(persona_id, $1) as persona_id, coalesce(model, requested_model, '') as model,
           coalesce(requested_model, '') as requested_model, count(*) as rated_count,
           count(*) filter (where rating = 1) as positive_count
         from chaperone.ratings group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6`,
        [nobody],
      );
      assert.deepEqual(sums, counted);
    }),
    { numRuns: propertyRuns(20) },
  );
  await connect(scope, other.url).then((stranger) =>
    insertRatings(stranger, other.id, JSON.stringify([makeRating('req_1', 1)])),
  );
  const { rows } = await db.query<{ id: string }>(
    'select distinct organization_id as id from chaperone.ratings_by_day',
  );
  assert.ok(!rows.some(({ id }) => id === other.id), 'others do not see them');
  await assert.rejects(() => db.query('delete from chaperone.ratings_by_day'), { code: '42501' });
});

test('a rating of neither kind is refused', async () => {
  const rating = { ...makeRating('req_1', 1), rating: 0 };
  await assert.rejects(() => insertRatings(db, tenant.id, JSON.stringify([rating])), { code: '23514' });
});

test('nobody can rate for another organization', async () => {
  const other = await makeTenant(database);
  await assert.rejects(() => insertRatings(db, other.id, JSON.stringify([makeRating('req_1', 1)])), { code: '42501' });
});
