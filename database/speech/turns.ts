import type { Queryable } from '../queryable.ts';

/** A turn that the application has closed, with the latencies that it has measured. */
export interface TurnRow {
  readonly userId: string;
  readonly sessionId: string;
  readonly turnId: string;
  readonly status: TurnStatus;
  /** Milliseconds. Null: not measured. */
  readonly latenciesMs: Latencies;
}

export type TurnStatus = 'successful' | 'completed' | 'failed' | 'interrupted';

export interface Latencies {
  readonly asr: number | null;
  readonly llm: number | null;
  readonly translation: number | null;
  readonly tts: number | null;
  readonly total: number | null;
}

/** Closes a turn. Closing it again replaces what was said before. @returns when it was closed */
export async function closeTurn(db: Queryable, organizationId: string, turn: TurnRow): Promise<Date> {
  const { asr, llm, translation, tts, total } = turn.latenciesMs;
  const { rows } = await db.query<{ closedAt: Date }>(
    `insert into chaperone.session_turns (organization_id, user_id, session_id, turn_id, status, asr_ms, llm_ms,
       translation_ms, tts_ms, total_ms)
     values ($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::double precision, $7::double precision,
       $8::double precision, $9::double precision, $10::double precision)
     on conflict (organization_id, user_id, session_id, turn_id) do update
       set status = excluded.status, asr_ms = excluded.asr_ms, llm_ms = excluded.llm_ms,
           translation_ms = excluded.translation_ms, tts_ms = excluded.tts_ms, total_ms = excluded.total_ms,
           closed_at = now()
     returning closed_at as "closedAt"`,
    [organizationId, turn.userId, turn.sessionId, turn.turnId, turn.status, asr, llm, translation, tts, total],
  );
  return rows[0]?.closedAt ?? new Date();
}
