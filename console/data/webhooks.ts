// Shapes of `/v1/webhooks`.

export interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[] | null;
  readonly is_active: boolean;
  readonly managed_by: string | null;
  readonly failing_since: string | null;
  readonly disabled_at: string | null;
  readonly last_failure: string | null;
  readonly created_at: string;
}

export interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly subject: string;
  readonly state: 'waiting' | 'delivered' | 'dead';
  readonly attempts: number;
  readonly last_attempt_at: string | null;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly last_duration_ms: number | null;
  readonly created_at: string;
}
