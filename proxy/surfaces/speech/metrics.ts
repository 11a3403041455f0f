import { Type } from 'typebox';
import { readMetrics } from '../../governance/speech/metrics.ts';
import { ownOrReaders } from '../../http/described.ts';
import { Nullable } from '../../http/schemas.ts';
import { route } from './route.ts';
import { OptimizationLevel, sessionParams, sessionUser } from './schemas.ts';

const count = (description?: string) => Type.Integer(description === undefined ? {} : { description });
const latency = (of: string) =>
  Type.Number({ description: `Milliseconds, as the average of ${of}; 0 where there is nothing to average.` });

const Metrics = Type.Object(
  {
    session_id: Type.String(),
    total_turns: count('What has one X-Turn-ID is a turn; a call without one is a turn of its own.'),
    successful_turns: count(),
    failed_turns: count('Turns in which a call failed, or was refused by a guardrail.'),
    interrupted_turns: count('Turns in which the client left before the end of an answer.'),
    avg_asr_latency_ms: latency('its completed calls'),
    avg_llm_latency_ms: latency('its completed calls'),
    avg_translation_latency_ms: latency('its completed calls'),
    avg_tts_latency_ms: latency('its completed calls'),
    avg_total_latency_ms: latency('successful turns, from the beginning of their first call to the end of their last'),
    cache_hit_rate: Type.Number({ description: 'From 0 to 1, of the calls for which the cache was asked.' }),
    llm_cache_hits: count(),
    llm_cache_misses: count(),
    tts_cache_hits: count(),
    tts_cache_misses: count(),
    guardrail_violations: count('Guardrails that found something, by call.'),
    guardrail_blocks: count('Calls that a guardrail refused.'),
    total_cost_usd: Type.Number(),
    optimization_level: OptimizationLevel,
    language_code: Nullable(
      Type.String(),
      'The last X-Language-Code, else what a transcription reported; null where neither is known.',
    ),
  },
  {
    example: {
      session_id: 'session-123',
      total_turns: 15,
      successful_turns: 13,
      failed_turns: 1,
      interrupted_turns: 1,
      avg_asr_latency_ms: 523.4,
      avg_llm_latency_ms: 1_245.7,
      avg_translation_latency_ms: 312.5,
      avg_tts_latency_ms: 856.2,
      avg_total_latency_ms: 2_937.8,
      cache_hit_rate: 0.42,
      llm_cache_hits: 5,
      llm_cache_misses: 8,
      tts_cache_hits: 3,
      tts_cache_misses: 10,
      guardrail_violations: 2,
      guardrail_blocks: 1,
      total_cost_usd: 0.0456,
      optimization_level: 'balanced',
      language_code: 'hi-IN',
    },
  },
);

/** `GET /api/v1/sessions/{session_id}/metrics` */
export const metrics = route(
  'GET',
  '/sessions/:session_id/metrics',
  {
    tags: ['Sessions'],
    summary: 'Get how a session goes',
    description: 'Its turns, latencies, hits of the cache, guardrails and cost.',
    params: sessionParams,
    querystring: Type.Object(sessionUser),
    problems: ['session_not_found', 'role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Metrics },
  },
  async ({ caller, params, query }, context) => {
    const figures = await readMetrics(context, caller, { sessionId: params.session_id, user: query.user_id });
    const [hits, misses] = [Number(figures.cacheHits), Number(figures.cacheMisses)];
    return {
      session_id: params.session_id,
      total_turns: Number(figures.turns),
      successful_turns: Number(figures.successful),
      failed_turns: Number(figures.failed),
      interrupted_turns: Number(figures.interrupted),
      avg_asr_latency_ms: toTenths(figures.asrMs),
      avg_llm_latency_ms: toTenths(figures.llmMs),
      avg_translation_latency_ms: toTenths(figures.translationMs),
      avg_tts_latency_ms: toTenths(figures.ttsMs),
      avg_total_latency_ms: toTenths(figures.totalMs),
      cache_hit_rate: hits + misses === 0 ? 0 : hits / (hits + misses),
      llm_cache_hits: Number(figures.llmCacheHits),
      llm_cache_misses: Number(figures.llmCacheMisses),
      tts_cache_hits: Number(figures.ttsCacheHits),
      tts_cache_misses: Number(figures.ttsCacheMisses),
      guardrail_violations: Number(figures.violations),
      guardrail_blocks: Number(figures.blocks),
      total_cost_usd: Number(figures.costUsd),
      optimization_level: figures.optimizationLevel,
      language_code: figures.language,
    };
  },
);

function toTenths(ms: number | null): number {
  return ms === null ? 0 : Math.round(ms * 10) / 10;
}
