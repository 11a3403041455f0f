import type { Queryable } from '../../database/queryable.ts';

/** What an erasure does to the value of a column, in the rows that name the erased person. */
export type Effect =
  /** The anonymous user's id replaces it. */
  | 'anonymous id'
  /** A name replaces it that begins with `erased-`. */
  | 'anonymous name'
  /** It becomes null. */
  | 'null'
  /** Its row is deleted. */
  | 'row deleted'
  /** Every row of the organization's is deleted, since nobody knows which ones are about the person. */
  | 'all rows deleted'
  /** What names the person is removed from it. */
  | 'rewritten'
  /** It stays in rows of live configuration, and is emptied in rows of deleted configuration. */
  | 'emptied once deleted'
  /** It stays. */
  | { readonly stays: string };

/**
 * Each column that can contain an id, a name or words of a person, as `table.column`, with what `erase_user` does to it.
 * Another column needs a line here or in `impersonal`.
 */
export const personal: Readonly<Record<string, Effect>> = {
  'analysis_results.cache_key': 'row deleted',
  'analysis_results.result_encrypted': 'row deleted',
  'analysis_results.user_id': 'row deleted',
  'api_keys.user_external_id': 'emptied once deleted',
  'api_keys.rules': { stays: 'Configuration: the ApiKeyBinding contains it. It goes with the binding.' },
  'cached_answers.answer_encrypted': 'all rows deleted',
  'cached_answers.answer_id': 'all rows deleted',
  'audit_people.external_id': 'row deleted',
  'conversation_analyses.content_encrypted': 'row deleted',
  'conversation_analyses.conversation_id': 'row deleted',
  // In analyses of other users' conversations it becomes null.
  'conversation_analyses.requested_by': 'row deleted',
  'conversation_branches.conversation_id': 'row deleted',
  'conversations.conversation_id': 'row deleted',
  'conversations.session_id': 'row deleted',
  'conversations.user_id': 'row deleted',
  'daily_usage.user_id': 'anonymous id',
  'erased_users.user_digest': { stays: 'It identifies records that arrive after the erasure.' },
  'facet_spans.user_id': 'anonymous id',
  'organizations.spec': { stays: 'Configuration: the Organization contains it.' },
  'feedback.category': 'null',
  'feedback.contents_encrypted': 'null',
  'feedback.message_id': 'null',
  'feedback.rated_by': 'anonymous id',
  'feedback.session_id': 'anonymous name',
  'feedback.turn_id': 'null',
  'feedback.user_id': 'anonymous id',
  'guardrail_blocks.session_id': 'anonymous name',
  'guardrail_blocks.turn_id': 'null',
  'guardrail_blocks.user_id': 'anonymous id',
  'owned_resources.user_id': 'anonymous id',
  'pending_calls.record': 'rewritten',
  'personas.parameters': { stays: 'Configuration: the Persona contains it.' },
  'personas.users': 'emptied once deleted',
  'quota_counters.scope': 'rewritten',
  'rating_history.feedback': 'null',
  'rating_history.rated_by': 'anonymous id',
  'ratings.feedback': 'null',
  'ratings.rated_by': 'anonymous id',
  'ratings.user_id': 'anonymous id',
  'request_contents.input_encrypted': 'row deleted',
  'request_contents.output_encrypted': 'row deleted',
  'request_contents.contents_encrypted': 'row deleted',
  'requests.client_name': 'null',
  'requests.conversation_id': 'null',
  'requests.client_version': 'null',
  'requests.end_user': 'null',
  'requests.safety_identifier': 'null',
  'requests.session_id': 'anonymous name',
  'requests.turn_id': 'null',
  'requests.user_id': 'anonymous id',
  'revocations.subject': { stays: 'Without it, revoked tokens would be valid again. The row goes when they expire.' },
  'session_costs.session_id': 'anonymous name',
  'session_costs.turn_id': 'null',
  'session_costs.user_id': 'anonymous id',
  'session_facets.session_id': 'anonymous name',
  'session_facets.user_id': 'anonymous id',
  'session_spans.user_id': 'anonymous id',
  'session_turns.session_id': 'anonymous name',
  'session_turns.turn_id': 'anonymous name',
  'session_turns.user_id': 'anonymous id',
  'session_usage.session_id': 'anonymous name',
  'session_usage.user_id': 'anonymous id',
  'sessions.session_id': 'anonymous name',
  'sessions.user_id': 'anonymous id',
  'users.display_name': 'null',
  'users.external_id': 'anonymous name',
  'users.user_id': 'anonymous id',
  'webhook_deliveries.subject': 'row deleted',
  'webhook_events.data': 'row deleted',
  'webhook_events.subject': 'row deleted',
  'webhook_events.user_id': 'row deleted',
  'weekly_usage.user_id': 'anonymous id',
};

/** Columns that contain nothing about a person, by the reason. Columns of `plainTypes` need no line. */
const impersonalByReason: Readonly<Record<string, readonly string[]>> = {
  'It names people by pseudonyms only, of which nothing is left after an erasure.': [
    'audit_log.entry',
    'audit_people.person',
    'audit_people.salt',
    'audit_resources.spec',
  ],
  'It names an object of Kubernetes or an entry of the configuration.': [
    'analysis_configs.name',
    'analysis_configs.resource',
    'analysis_configs.serves_namespace',
    'audit_resources.subject',
    'api_keys.provider',
    'api_keys.resource',
    'api_keys.serves_namespace',
    'organizations.name',
    'personas.name',
    'personas.resource',
    'personas.serves_namespace',
    'budget_warnings.rule',
    'provider_pauses.provider',
    'provider_pauses.scope',
    'quota_counters.per',
    'quota_counters.rule',
    'quota_counters.unit',
    'requests.namespace',
    'requests.provider',
    'requests.workload',
  ],
  'It is configuration that an administrator writes for many people.': [
    'analysis_configs.config_encrypted',
    'conversation_analyses.settings_encrypted',
    'conversation_analyses.template',
    'analysis_configs.description',
    'api_keys.models',
    'knowledge_articles.category',
    'knowledge_articles.tags',
    'knowledge_passages.words',
    'knowledge_terms.term',
    'knowledge_terms.variants',
    'knowledge_versions.article_encrypted',
    'api_keys.roles',
    'personas.content_encrypted',
    'personas.description',
    'personas.model',
    'webhooks.events',
    'webhooks.name',
    'webhooks.resource',
    'webhooks.url',
  ],
  'It is an id of a configuration object.': [
    'analysis_configs.analysis_config_id',
    'analysis_results.analysis_config_id',
    'api_keys.api_key_id',
    'daily_usage.persona_id',
    'owned_resources.api_key_id',
    'personas.persona_id',
    'provider_pauses.api_key_id',
    'ratings.persona_id',
    'requests.api_key_id',
    'requests.persona_id',
    'session_usage.persona_id',
    'weekly_usage.persona_id',
  ],
  'It is a secret of the organization, or identifies one.': [
    'api_keys.fingerprint',
    'api_keys.key_encrypted',
    'api_keys.synthetic_key_sha256',
    'audit_resources.fingerprint',
    'organization_roles.role_name',
    'organizations.data_key_digests',
    'webhooks.secrets_encrypted',
  ],
  'It is a keyed digest, of whose call nobody knows once its conversation is erased.': [
    'conversation_analyses.branch_id',
    'conversation_branches.branch_id',
    'requests.branch_id',
  ],
  'It is a keyed digest of a call, for the seconds that the call takes.': ['answer_leases.answer_id'],
  'It is an id that we or the provider made at random.': [
    'analysis_results.request_id',
    'conversation_analyses.id',
    'knowledge_articles.article_id',
    'knowledge_passages.article_id',
    'knowledge_versions.article_id',
    'answer_leases.holder',
    'audit_chains.hash',
    'audit_checkpoints.hash',
    'audit_log.entry_id',
    'audit_log.hash',
    'audit_resources.uid',
    'erased_users.stranger',
    'owned_resources.resource_id',
    'pending_calls.quota',
    'pending_calls.request_id',
    'pending_calls.response_id',
    'rating_history.rating_id',
    'rating_history.request_id',
    'ratings.request_id',
    'ratings.response_id',
    'request_contents.request_id',
    'requests.attempts',
    'requests.kept_ids',
    'requests.previous_response_id',
    'requests.request_id',
    'requests.response_id',
    'guardrail_blocks.request_id',
    'session_costs.entry_id',
    'unfolded_usage.pending_id',
    'unfolded_usage.request_id',
    'webhook_deliveries.delivery_id',
    'webhook_deliveries.event_id',
    'webhook_deliveries.webhook_id',
    'webhook_events.event_id',
    'webhook_states.webhook_id',
    'webhooks.webhook_id',
  ],
  'It names a model.': [
    'conversations.models',
    'daily_usage.model',
    'daily_usage.requested_model',
    'provider_pauses.pause_id',
    'ratings.model',
    'ratings.requested_model',
    'requests.model',
    'requests.requested_model',
    'session_usage.model',
    'session_usage.requested_model',
    'weekly_usage.model',
    'weekly_usage.requested_model',
  ],
  'It names a persona or a model.': ['facet_spans.facet', 'session_facets.facet', 'sessions.facets'],
  'It names what the platform team has made.': [
    'guardrail_blocks.guardrail_hits',
    'requests.guardrail_hits',
    'requests.model_alias',
  ],
  'It is one of few fixed words, or a code.': [
    'analysis_configs.kind',
    'knowledge_articles.language',
    'knowledge_articles.status',
    'knowledge_passages.language',
    'knowledge_terms.language',
    'conversation_analyses.error_code',
    'conversation_analyses.error_message',
    'conversation_analyses.status',
    'daily_usage.grain',
    'daily_usage.kind',
    'owned_resources.kind',
    'provider_pauses.reason',
    'ratings.call_kind',
    'requests.cache_status',
    'requests.error_code',
    'requests.image_quality',
    'requests.image_size',
    'requests.kind',
    'requests.operation',
    'requests.language',
    'requests.optimization_level',
    'requests.service',
    'requests.status',
    'feedback.rating_type',
    'session_costs.operation',
    'session_costs.optimization_level',
    'session_costs.provider',
    'session_costs.service',
    'session_costs.unit_type',
    'session_turns.status',
    'revocations.kind',
    'session_usage.kind',
    'webhook_deliveries.last_error',
    'webhook_deliveries.state',
    'webhook_events.type',
    'webhook_states.reason',
    'weekly_usage.grain',
    'weekly_usage.kind',
  ],
  'It has counts, and names a model and calls.': ['conversation_analyses.metadata'],
  'It names a step of our own, or a call.': ['job_calls.request_id', 'job_calls.step'],
  'It is a time.': ['sessions.facets_first_call_at', 'sessions.facets_last_call_at', 'unfolded_usage.started_at'],
};

export const impersonal: readonly string[] = Object.values(impersonalByReason).flat();

/** A number, a time or a truth value says nothing about who a person is. */
const plainTypes = [
  'bigint',
  'boolean',
  'date',
  'double precision',
  'integer',
  'numeric',
  'smallint',
  'timestamp with time zone',
];

/** The columns of all tables that can say more than a number, except the organization's id, as `table.column`. */
export async function listTellingColumns(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select c.table_name || '.' || c.column_name as name
     from information_schema.columns c
       join pg_class t on t.relnamespace = 'chaperone'::regnamespace and t.relname = c.table_name
     where c.table_schema = 'chaperone' and not t.relispartition and c.column_name <> 'organization_id'
       and exists (
         select from information_schema.columns o
         where o.table_schema = 'chaperone' and o.table_name = c.table_name and o.column_name = 'organization_id')
       and c.data_type <> all ($1)`,
    [plainTypes],
  );
  return rows.map(({ name }) => name);
}
