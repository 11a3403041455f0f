import { Client } from 'pg';
import type { Logger } from 'pino';
import { foldAllUsage } from '../database/analytics/fold.ts';
import { connectTimeoutMs } from '../database/client.ts';
import { lookForLostCalls } from '../database/job-intents.ts';
import { makePartitionsAhead } from '../database/partitions.ts';
import { deleteAllPast } from '../database/past-rows.ts';
import type { Queryable } from '../database/queryable.ts';
import { type Retained, removePastRecords } from '../database/retention.ts';
import { expireHeldAnswers } from '../database/reviews/held.ts';
import { resolveIdleConversations } from '../database/support/idle.ts';

/** Something that is done for all organizations from time to time, by one of the workers. */
export interface Chore {
  /** When, as in a crontab, in UTC. */
  readonly when: string;
  readonly run: (db: Queryable, context: ChoreContext) => Promise<void>;
}

export interface ChoreContext {
  readonly log: Logger;
  /** Called with how many rows a retention has removed. */
  readonly onRemoved: (what: Retained, rows: number) => void;
  /** Called with how many idle conversations were resolved. */
  readonly onResolved: (conversations: number) => void;
  /** Called with how many held answers nobody has decided about in time. */
  readonly onExpired: (answers: number) => void;
}

/** What retention does not come to in this time is left to the next run. */
const retentionMs = 300_000;
const idleConversationsMs = 240_000;

/** The login of workers may do these, and no more, by SQL functions that run as the owner. */
export const chores: Readonly<Record<string, Chore>> = {
  partitions: { when: '17 * * * *', run: (db, { log }) => makePartitionsAhead(db, log, Date.now()) },
  'past-rows': {
    when: '*/10 * * * *',
    run: (db, { log }) =>
      deleteAllPast(db, (what, err) =>
        log.warn({ err, what }, 'cannot delete what no longer counts; it is tried again'),
      ),
  },
  'lost-calls': { when: '* * * * *', run: lookForLostCalls },
  retention: {
    when: '37 * * * *',
    run: (db, { log, onRemoved }) =>
      removePastRecords(db, {
        onRemoved,
        signal: AbortSignal.timeout(retentionMs),
        onDropped: (partition) => log.info({ partition }, 'dropped a partition that no organization keeps any more'),
        onFailure: (what, err) => log.warn({ err, what }, 'cannot remove what is no longer kept; it is tried again'),
      }),
  },
  'idle-conversations': {
    when: '*/5 * * * *',
    run: (db, { onResolved }) =>
      resolveIdleConversations(db, { onResolved, signal: AbortSignal.timeout(idleConversationsMs) }),
  },
  'held-answers': { when: '* * * * *', run: (db, { onExpired }) => expireHeldAnswers(db, onExpired) },
  sums: { when: '* * * * *', run: foldAllUsage },
};

/** A deletion may take long. */
const queryTimeoutMs = 600_000;

/** Runs a chore on a connection of its own, so that jobs do not wait for it. */
export async function runChore(chore: Chore, connectionString: string, context: ChoreContext): Promise<void> {
  const db = new Client({
    ...{ connectionString, application_name: 'chaperone-chore' },
    ...{ connectionTimeoutMillis: connectTimeoutMs, query_timeout: queryTimeoutMs },
  });
  // A connection that is lost fails its query, too.
  db.on('error', () => {});
  await db.connect();
  try {
    await chore.run(db, context);
  } finally {
    await db.end().catch(() => {});
  }
}
