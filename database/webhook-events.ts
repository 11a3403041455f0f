import type { Queryable } from './queryable.ts';

/** That a part of a budget is used. */
export interface BudgetWarningData {
  /** Its name in `spec.budgets`. */
  readonly budget: string;
  /** `namespace/name` of the ApiKeyBinding that states it. Null: the Organization. */
  readonly binding: string | null;
  readonly per: string;
  /** Which key, model or the like. Null: there is none, or it is a user's, who stands in `user_id`. */
  readonly scope: string | null;
  readonly percent: number;
  /** US dollars, as decimal strings. */
  readonly used_usd: string;
  readonly amount_usd: string;
  /** What happens to calls beyond the amount: they are refused, or only people are warned. */
  readonly action: 'Block' | 'Warn';
  /** ISO 8601 in UTC. Null: it never begins anew. */
  readonly window_ends_at: string | null;
}

/** That an analysis of a conversation has ended. What it says is not among it. */
export interface AnalysisData {
  readonly analysis_id: string;
  readonly conversation_id: string;
  readonly branch_id: string;
  /** As in `POST /api/analyses`, such as `summary`. */
  readonly template: string;
}

/** Something in a conversation with the support desk, beside the customer. What is said is not among it. */
export interface SupportData {
  readonly conversation_id: string;
  readonly channel: string;
}

/** An answer that people review. What it says is not among it. */
export interface ReviewData {
  readonly item_id: string;
  readonly category: string;
  readonly priority: number;
  /** What has queued it. */
  readonly source: string;
  /** The response that waits for the decision, by the provider's id. Null: none does. */
  readonly response_id: string | null;
}

/** What webhooks can be told of. An event is a line here, in `webhookEvents`, and in `spec.webhooks[].events`. */
export interface WebhookEventData {
  'budget.warning': BudgetWarningData;
  'analysis.completed': AnalysisData;
  'analysis.failed': AnalysisData & { readonly error: { readonly code: string; readonly message: string } };
  'conversation.created': SupportData;
  /** A hand-over; `assigned_agent` is null where nobody is on the rota. */
  'conversation.escalated': SupportData & { readonly reason: string; readonly assigned_agent: string | null };
  /** By `inactivity`: nobody has continued it. */
  'conversation.resolved': SupportData & { readonly resolved_by: 'customer' | 'staff' | 'inactivity' };
  /** A customer has said something. */
  'message.received': SupportData & { readonly message_id: string };
  'feedback.submitted': SupportData & { readonly rating: number };
  /** A customer is very unhappy. Once in a conversation, until the customer recovers. */
  'sentiment.alert': SupportData & {
    readonly message_id: string;
    readonly sentiment: string;
    /** Shares of the message. Null: a model has said the sentiment alone. */
    readonly positive: number | null;
    readonly negative: number | null;
    readonly neutral: number | null;
    readonly method: 'vader' | 'ai';
  };
  'review.queued': ReviewData;
  /** All reviewers whom it needs have decided; or nobody has in time (`expired`), about an answer that a guardrail holds. */
  'review.decided': ReviewData & { readonly approved: boolean; readonly edited: boolean; readonly expired: boolean };
}

export type WebhookEventType = keyof WebhookEventData;

export const webhookEvents = [
  'budget.warning',
  'analysis.completed',
  'analysis.failed',
  'conversation.created',
  'conversation.escalated',
  'conversation.resolved',
  'message.received',
  'feedback.submitted',
  'sentiment.alert',
  'review.queued',
  'review.decided',
] as const satisfies readonly [WebhookEventType, ...WebhookEventType[]];

/** Something that webhooks are told of. */
export type WebhookEvent = {
  readonly [Type in WebhookEventType]: {
    readonly type: Type;
    /** What it is about, such as `analysis/<id>`. Events about the same subject are delivered in order. */
    readonly subject: string;
    /** The id of the user whom it is about. It is told by its external id, and goes when the user is erased. */
    readonly userId: string | null;
    /** Facts and ids, never what somebody said. */
    readonly data: WebhookEventData[Type];
  };
}[WebhookEventType];

/**
 * Tells the webhooks of the organization whose login `db` has. Call it in the transaction that writes what has happened.
 *
 * @returns how many webhooks are told
 */
export async function emitEvent(db: Queryable, event: WebhookEvent): Promise<number> {
  const { rows } = await db.query<{ told: number }>(
    'select chaperone.emit_event($1::text, $2::text, $3::uuid, $4::jsonb) as told',
    eventValues(event),
  );
  return rows[0]?.told ?? 0;
}

/** The arguments of `chaperone.emit_event`. */
export function eventValues({ type, subject, userId, data }: WebhookEvent) {
  return [type, subject, userId, JSON.stringify(data)];
}

/** The same for any organization. @param db the owner's connection */
export async function emitEventOf(db: Queryable, organizationId: string, event: WebhookEvent): Promise<number> {
  const { type, subject, userId, data } = event;
  const { rows } = await db.query<{ told: number }>(
    'select chaperone.emit_event_of($1::uuid, $2::text, $3::text, $4::uuid, $5::jsonb) as told',
    [organizationId, type, subject, userId, JSON.stringify(data)],
  );
  return rows[0]?.told ?? 0;
}
