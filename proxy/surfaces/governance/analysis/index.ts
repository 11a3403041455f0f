import { type Static, Type } from 'typebox';
import { type Analysis, type Analyze, makeAnalyze } from '../../../governance/analyses/analyze.ts';
import type { GovernanceContext } from '../../../governance/context.ts';
import { makeRoute, type Route } from '../../../http/route.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';
import { ConfigOverride } from './config.ts';
import { configRoutes } from './configs.ts';

const tags = ['Analysis'];

const AnalysisBody = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'The request id or the response id of the call to analyze.',
    }),
    config: Type.Optional(ConfigOverride),
    config_id: Type.Optional(
      Type.String({
        description:
          'A saved config. With `config` beside it, the fields that `config` names take the place of its own.',
      }),
    ),
  },
  {
    additionalProperties: false,
    example: { id: 'req_abc123def456', config_id: '550e8400-e29b-41d4-a716-446655440000' },
  },
);

const AnalysisAnswer = Type.Object(
  {
    request_id: Type.String(),
    response_id: Nullable(Type.String()),
    analysis_type: Type.String(),
    primary_category: Type.Union([Type.String(), Type.Array(Type.String()), Type.Null()], {
      description: 'A list with multi_label; null where no category reaches the threshold.',
    }),
    categories: Type.Array(
      Type.Object({
        name: Type.String(),
        confidence: Type.Number({ minimum: 0, maximum: 1 }),
        reasoning: Type.Optional(Type.String()),
      }),
      { description: 'Every category of the config, the likeliest first.' },
    ),
    confidence: Type.Number({ minimum: 0, maximum: 1, description: 'Of the likeliest category.' }),
    reasoning: Nullable(Type.String(), 'Null without include_reasoning.'),
    metadata: Type.Object({
      sentiment: Type.String(),
      urgency: Type.String(),
      topics: Type.Array(Type.String()),
      below_threshold: Type.Optional(Type.Boolean({ description: 'Why there is no primary category.' })),
      confidence_threshold: Type.Optional(Type.Number({ description: 'What the confidence would have to reach.' })),
    }),
    analyzed_at: Timestamp,
    model_used: Type.String(),
    tokens_used: Nullable(Type.Integer(), 'Of all attempts; null where the provider did not say.'),
    cost_usd: Nullable(Type.Number(), 'Of all attempts; null where there is no price.'),
    cached: Type.Boolean({ description: 'Whether it was made before; then what it cost was spent then.' }),
  },
  {
    example: {
      request_id: 'req_abc123def456',
      response_id: 'resp_xyz789',
      analysis_type: 'intent',
      primary_category: 'technical_support',
      categories: [
        { name: 'technical_support', confidence: 0.92, reasoning: 'User mentions app crashes and error messages' },
        { name: 'billing_inquiry', confidence: 0.05 },
      ],
      confidence: 0.92,
      reasoning: 'The user is experiencing technical issues with the application',
      metadata: { sentiment: 'frustrated', urgency: 'high', topics: ['error_handling', 'app_stability'] },
      analyzed_at: '2026-06-23T15:30:45.000Z',
      model_used: 'gpt-4o-mini',
      tokens_used: 320,
      cost_usd: 0.000048,
      cached: false,
    },
  },
);

const analyze = makeRoute<Analyze>()(
  'POST',
  '/analysis',
  {
    tags,
    summary: 'Analyze a conversation',
    description:
      'Has a model classify what was said in a call, by intent, sentiment, topic or categories of your own. It is a ' +
      'governed call itself, accounted for as one of kind analysis. The same conversation with the same config is ' +
      'analyzed once and answered from then on with `cached: true`.',
    body: AnalysisBody,
    problems: [
      'request_not_found',
      'analysis_config_not_found',
      'model_not_allowed',
      'no_api_key',
      'contents_not_stored',
      'nothing_to_analyze',
      'limit_reached',
      'insufficient_quota',
      'quota_unavailable',
      'guardrail_blocked',
      'ceiling_exceeded',
      'guardrail_unavailable',
      'spool_full',
      'spool_unwritable',
      'store_unavailable',
      'upstream_unreachable',
      'upstream_timeout',
      'upstream_interrupted',
      'upstream_refused',
      'upstream_incomplete',
      'upstream_invalid_response',
      'upstream_rate_limited',
      'upstream_error',
    ],
    response: { 200: AnalysisAnswer },
  },
  async ({ callContext, body: { id, config, config_id } }, run) =>
    show(await run(callContext, { id, config, configId: config_id })),
);

/** `/v1/analysis`, and the configs that are saved for it. */
export const analysisRoutes: readonly Route<GovernanceContext>[] = [
  (app, context) => analyze(app, makeAnalyze(context)),
  ...configRoutes,
];

function show({ request, result, cached }: Analysis): Static<typeof AnalysisAnswer> {
  return { request_id: request.requestId, response_id: request.responseId, ...result, cached };
}
