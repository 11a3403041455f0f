import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { Client } from 'pg';
import {
  changeSupportConversation,
  rateSupportConversation,
  supportStatuses,
} from '../../../database/support/conversations.ts';
import { readSupportSums, type SupportGroup, type SupportSums } from '../../../database/support/days.ts';
import { propertyRuns } from '../../property-runs.ts';
import { suiteScope } from '../../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase } from '../tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
before(async () => {
  database = await openDatabase(scope);
});

interface Row {
  readonly createdAt: Date;
  readonly status: string;
  readonly escalatedAt: Date | null;
  readonly answers: number;
  readonly responseMs: string;
  readonly rating: number | null;
}

/** The first day of a group, without PostgreSQL. */
function groupOf(at: Date, group: SupportGroup): string {
  const day = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), group === 'month' ? 1 : at.getUTCDate()));
  if (group === 'week') day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day.toISOString().slice(0, 10);
}

/** The sums anew, from the conversations themselves. */
function recompute(rows: readonly Row[], first: string, last: string, group: SupportGroup): SupportSums[] {
  const groups = new Map<string, SupportSums>();
  for (const row of rows) {
    const day = row.createdAt.toISOString().slice(0, 10);
    if (day < first || day > last) continue;
    const date = groupOf(row.createdAt, group);
    const sums = groups.get(date) ?? {
      ...{ date, conversations: 0, aiResolved: 0, escalated: 0, answers: 0, responseMs: 0, ratings: 0, ratingSum: 0 },
    };
    groups.set(date, {
      date,
      conversations: sums.conversations + 1,
      aiResolved: sums.aiResolved + Number(row.status === 'resolved' && row.escalatedAt === null),
      escalated: sums.escalated + Number(row.escalatedAt !== null),
      answers: sums.answers + row.answers,
      responseMs: sums.responseMs + Number(row.responseMs),
      ratings: sums.ratings + Number(row.rating !== null),
      ratingSum: sums.ratingSum + (row.rating ?? 0),
    });
  }
  return [...groups.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
}

const dayMs = 86_400_000;
const start = Date.UTC(2025, 11, 20);
const step = fc.record({
  at: fc.nat(7),
  status: fc.option(fc.constantFrom(...supportStatuses), { nil: undefined }),
  answeredAfterMs: fc.option(fc.nat(90_000), { nil: undefined }),
  rating: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
});

test('the sums of days, weeks and months equal those of the conversations, whatever happens to them', async () => {
  const days = fc.array(fc.nat(40), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      days,
      fc.array(step, { maxLength: 25 }),
      fc.nat(40),
      fc.nat(40),
      async (begun, steps, one, other) => {
        const tenant = await makeTenant(database);
        const db = await connect(scope, tenant.url);
        const ids = await begin(database.owner, tenant.id, begun);
        for (const { at, status, answeredAfterMs, rating } of steps) {
          const id = ids[at % ids.length] ?? '';
          await changeSupportConversation(db, tenant.id, id, {
            ...(status && { status }),
            ...(answeredAfterMs !== undefined && { answeredAfterMs }),
          });
          if (rating !== undefined) await rateSupportConversation(db, tenant.id, id, { rating, commentSealed: null });
        }
        const { rows } = await database.owner.query<Row>(
          `select created_at as "createdAt", status, escalated_at as "escalatedAt", answers, response_ms as "responseMs", rating
         from chaperone.support_conversations where organization_id = $1`,
          [tenant.id],
        );
        const dayAt = (day: number) => new Date(start + day * dayMs).toISOString().slice(0, 10);
        const [firstDay, lastDay] = [dayAt(Math.min(one, other)), dayAt(Math.max(one, other))];
        for (const group of ['day', 'week', 'month'] as const) {
          const read = await readSupportSums(db, tenant.id, { firstDay, lastDay }, group);
          assert.deepEqual(read, recompute(rows, firstDay, lastDay, group), group);
        }
        await db.end();
      },
    ),
    { numRuns: propertyRuns(8) },
  );
});

async function begin(owner: Client, organizationId: string, days: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [at, day] of days.entries()) {
    const id = `conv_${at}`;
    await owner.query(
      `insert into chaperone.support_conversations
         (organization_id, conversation_id, user_id, channel, status, created_at)
       values ($1, $2, $3, 'chat', 'active', $4)`,
      [organizationId, id, randomUUID(), new Date(start + day * dayMs + ((at * 7_919_000) % dayMs))],
    );
    ids.push(id);
  }
  return ids;
}
