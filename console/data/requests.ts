// Shapes of `/v1/requests`.

export interface ListedRequest {
  readonly request_id: string;
  readonly started_at: string;
  readonly kind: 'call' | 'analysis';
  readonly operation: string;
  readonly status: string;
  readonly http_status: number | null;
  readonly error_code: string | null;
  readonly user_id: string | null;
  readonly session_id: string;
  readonly conversation_id: string | null;
  readonly branch_id: string | null;
  readonly persona_id: string | null;
  readonly persona: string | null;
  readonly namespace: string | null;
  readonly workload: string | null;
  readonly client: string | null;
  readonly client_version: string | null;
  readonly provider: string;
  readonly requested_model: string | null;
  readonly model_alias: string | null;
  readonly model: string | null;
  readonly is_stream: boolean;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly total_tokens: number | null;
  readonly total_cost: number | null;
  readonly duration_ms: number | null;
  readonly time_to_first_token_ms: number | null;
  readonly cache: 'hit' | 'miss' | 'bypass' | null;
  readonly guardrail_hits: readonly string[];
  readonly attempt_count: number;
}

export interface RequestPage {
  readonly requests: readonly ListedRequest[];
  readonly next: string | null;
}

export interface Said {
  readonly text: string;
  readonly bytes: number;
  readonly is_cut: boolean;
}

export interface FailedAttempt {
  readonly provider: string;
  readonly kind: string;
  readonly reason: string;
  readonly http_status: number | null;
  readonly duration_ms: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly total_cost: number | null;
}

export interface RequestStory extends ListedRequest {
  readonly turn_id: string | null;
  readonly binding: string | null;
  readonly optimization_level: string | null;
  readonly service: string | null;
  readonly language: string | null;
  readonly safety_identifier: string | null;
  readonly end_user: string | null;
  readonly response_id: string | null;
  readonly previous_response_id: string | null;
  readonly cached_input_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly input_audio_tokens: number | null;
  readonly output_audio_tokens: number | null;
  readonly images: number | null;
  readonly audio_seconds: number | null;
  readonly characters: number | null;
  readonly avoided_cost: number | null;
  readonly failed_attempts: readonly FailedAttempt[];
  readonly rating: { readonly rating: 1 | -1; readonly feedback: string | null; readonly rated_at: string } | null;
  readonly contents: { readonly input: Said; readonly output: Said | null } | null;
}
