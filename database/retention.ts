import { foldAllUsage } from './analytics/fold.ts';
import type { Queryable } from './queryable.ts';

/** What goes with the records of calls, as `chaperone.delete_past_records` names it: what was said first. */
export const retained = [
  'contents',
  'feedback',
  'conversations',
  'support_conversations',
  'review_items',
  'conversation_analyses',
  'analysis_results',
  'text_batches',
  'anonymizations',
  'webhook_deliveries',
  'webhook_events',
  'ratings',
  'rating_history',
  'session_costs',
  'session_turns',
  'guardrail_blocks',
  'calls',
  'session_usage',
  'sessions',
  'jobs',
] as const;

export type Retained = (typeof retained)[number];

export interface RetentionOptions {
  /** How many rows one statement deletes at most. Absent: 5,000. */
  readonly stepRows?: number;
  /** Aborted where the rest is left to the next time. */
  readonly signal?: AbortSignal;
  /** Called after each step that has removed rows. */
  readonly onRemoved?: (what: Retained, rows: number) => void;
  /** Called for a partition that was dropped. */
  readonly onDropped?: (partition: string) => void;
  /** What fails does not affect the rest. */
  readonly onFailure: (what: string, error: unknown) => void;
}

/**
 * Removes what is older than the `storage.retention` of its organization: whole partitions, then the rest in steps.
 *
 * @param db the owner's connection, or a worker's
 */
export async function removePastRecords(db: Queryable, options: RetentionOptions): Promise<void> {
  const { signal, onDropped, onFailure } = options;
  try {
    const organizations = await listRetainedOrganizations(db);
    if (organizations.length === 0) return;
    // Sums of days outlive the records, so they need all of them first.
    await foldAllUsage(db);
    for (let dropped = await dropPast(db); dropped !== null; dropped = await dropPast(db)) {
      onDropped?.(dropped);
      if (signal?.aborted) return;
    }
    for (const organizationId of organizations) await removeOf(db, organizationId, options);
  } catch (error) {
    onFailure('partitions', error);
  }
}

async function removeOf(db: Queryable, organizationId: string, options: RetentionOptions): Promise<void> {
  const { stepRows = 5_000, signal, onRemoved, onFailure } = options;
  let isWhole = true;
  for (const what of retained) {
    try {
      for (let rows = stepRows; rows >= stepRows; ) {
        if (signal?.aborted) return;
        rows = await deleteSome(db, organizationId, what, stepRows);
        if (rows > 0) onRemoved?.(what, rows);
      }
    } catch (error) {
      isWhole = false;
      onFailure(what, error);
    }
  }
  if (isWhole) await deleteSome(db, organizationId, 'end', stepRows);
}

async function listRetainedOrganizations(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>('select id from chaperone.retained_organizations() as id');
  return rows.map(({ id }) => id);
}

async function dropPast(db: Queryable): Promise<string | null> {
  const { rows } = await db.query<{ name: string | null }>('select chaperone.drop_past_partition() as name');
  return rows[0]?.name ?? null;
}

async function deleteSome(
  db: Queryable,
  organizationId: string,
  what: Retained | 'end',
  stepRows: number,
): Promise<number> {
  const { rows } = await db.query<{ gone: string }>(
    'select chaperone.delete_past_records($1::uuid, $2::text, $3::integer) as gone',
    [organizationId, what, stepRows],
  );
  return Number(rows[0]?.gone ?? 0);
}

/** What retention has done for an organization. */
export interface RetentionState {
  readonly organizationId: string;
  /** Nothing from before is left. Null: it has not come to the end yet. */
  readonly keptFrom: Date | null;
  /** How many calls have been removed so far. */
  readonly removedCalls: number;
}

/** Reads what retention has done. @param db the owner's connection */
export async function readRetentionStates(db: Queryable): Promise<RetentionState[]> {
  const { rows } = await db.query<RetentionState>(
    `select organization_id as "organizationId", kept_from as "keptFrom",
       coalesce((removed ->> 'calls')::float8, 0) as "removedCalls"
     from chaperone.retention_states`,
  );
  return rows;
}
