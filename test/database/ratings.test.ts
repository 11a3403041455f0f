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

test('a rating of neither kind is refused', async () => {
  const rating = { ...makeRating('req_1', 1), rating: 0 };
  await assert.rejects(() => insertRatings(db, tenant.id, JSON.stringify([rating])), { code: '23514' });
});

test('nobody can rate for another organization', async () => {
  const other = await makeTenant(database);
  await assert.rejects(() => insertRatings(db, other.id, JSON.stringify([makeRating('req_1', 1)])), { code: '42501' });
});
