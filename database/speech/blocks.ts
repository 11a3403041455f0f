import type { Queryable } from '../queryable.ts';

/** A call that a guardrail did not let go to a provider, as JSON with the names of the columns. */
export interface BlockRecord {
  readonly request_id: string;
  /** When it was refused. ISO 8601 in UTC. */
  readonly started_at: string;
  readonly user_id: string;
  readonly session_id: string;
  readonly turn_id: string | null;
  /** The guardrails that found something, by name. */
  readonly guardrail_hits: readonly string[];
}

/**
 * Stores a batch of refused calls. It is safe to send a batch again.
 *
 * @param blocksJson a JSON array of BlockRecord, as text
 */
export async function insertBlocks(db: Queryable, organizationId: string, blocksJson: string): Promise<void> {
  await db.query(
    `insert into chaperone.guardrail_blocks (organization_id, request_id, started_at, user_id, session_id, turn_id,
       guardrail_hits)
     select $1::uuid, request_id, started_at, user_id, session_id, turn_id, guardrail_hits
     from json_to_recordset($2::json) as r (
       request_id text, started_at timestamptz, user_id uuid, session_id text, turn_id text, guardrail_hits text[])
     on conflict do nothing`,
    [organizationId, blocksJson],
  );
}
