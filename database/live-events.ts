import type { Queryable } from './queryable.ts';

/** What a notification on an organization's channel says where there are new events. */
export const liveNotice = 'live';

/** What has become of an item of the review queue. What it says is not among it. */
export interface QueueUpdateData {
  readonly action: 'queued' | 'claimed' | 'released' | 'reassigned' | 'changed' | 'decided' | 'expired';
  readonly item_id: string;
  readonly status: 'queued' | 'in_review' | 'reviewed';
  readonly category: string;
  readonly priority: number;
}

/** A text of a customer who is very unhappy. What it says is not among it. */
export interface SentimentAlertData {
  /** The request in which the text was judged. */
  readonly request_id: string | null;
  /** Of a text in a batch: as the client names it. */
  readonly text_id: string | null;
  /** Of a message to the support desk. Absent: it is none. */
  readonly conversation_id?: string;
  readonly message_id?: string;
  readonly sentiment: string;
  /** Shares. Null: the model that answers at the support desk has said the sentiment alone. */
  readonly positive: number | null;
  readonly negative: number | null;
  readonly neutral: number | null;
  readonly method: 'vader' | 'ai';
}

export interface LiveEventData {
  readonly queue_update: QueueUpdateData;
  readonly sentiment_alert: SentimentAlertData;
}

/** Something that people who watch should see at once. */
export interface LiveEvent {
  readonly number: number;
  readonly event: keyof LiveEventData;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

/** Tells all proxies of the organization whose login `db` has. Call it last in the transaction that it is about. */
export async function tellLive<Event extends keyof LiveEventData>(
  db: Queryable,
  event: Event,
  data: LiveEventData[Event],
): Promise<void> {
  await db.query('select chaperone.tell_live($1::text, $2::jsonb)', [event, JSON.stringify(data)]);
}

/** The number of the last event; 0: there was none yet. */
export async function readLastLiveNumber(db: Queryable, organizationId: string): Promise<number> {
  const { rows } = await db.query<{ number: number }>(
    'select number::float8 as number from chaperone.live_numbers where organization_id = $1::uuid',
    [organizationId],
  );
  return rows[0]?.number ?? 0;
}

/** Reads the events after a number, in their order, a thousand at most. */
export async function readLiveEvents(db: Queryable, organizationId: string, after: number): Promise<LiveEvent[]> {
  const { rows } = await db.query<LiveEvent>(
    `select number::float8 as number, event, data, created_at as at from chaperone.live_events
     where organization_id = $1::uuid and number > $2::bigint
     order by number limit 1000`,
    [organizationId, after],
  );
  return rows;
}
