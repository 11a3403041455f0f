import { type Static, Type } from 'typebox';
import { ProxyError } from '../../error.ts';
import { postCost, readCosts } from '../../governance/speech/costs.ts';
import { ownOrReaders } from '../../http/described.ts';
import { notBlank } from '../../http/not-blank.ts';
import { Nullable, Timestamp, Uuid } from '../../http/schemas.ts';
import { route } from './route.ts';
import { maybe, OptimizationLevel, Service, sessionId, sessionParams, sessionUser, turnId } from './schemas.ts';

const dollars = (description: string) => Type.Record(Type.String(), Type.Number(), { description });

const Costs = Type.Object(
  {
    total_cost_usd: Type.Number(),
    breakdown_by_service: dollars('US dollars by asr, llm, translation and tts, and image where there are images.'),
    breakdown_by_provider: dollars('US dollars by provider, as the organization names it.'),
    total_entries: Type.Integer({ description: 'Calls and posted costs whose price is known.' }),
    unpriced_entries: Type.Integer({ description: 'Calls whose price is not known, which are not in the total.' }),
    cache_savings_usd: Type.Number({ description: 'Half of what the cached operations would have cost.' }),
    optimization_level: OptimizationLevel,
  },
  {
    example: {
      total_cost_usd: 0.0456,
      breakdown_by_service: { asr: 0.0023, llm: 0.0245, translation: 0.0012, tts: 0.0176 },
      breakdown_by_provider: { openai: 0.0456 },
      total_entries: 12,
      unpriced_entries: 0,
      cache_savings_usd: 0.0123,
      optimization_level: 'balanced',
    },
  },
);

const level = Type.Enum(['quality', 'balanced', 'speed']);
const operation = Type.String({ pattern: notBlank, maxLength: 64, description: 'transcribe, generate, …' });
const unitType = Type.String({ pattern: notBlank, maxLength: 64, description: 'tokens, chars, audio_seconds, …' });
const units = Type.Number({ minimum: 0, maximum: 1e12 });
const provider = Type.String({ pattern: notBlank, maxLength: 63 });
const cost = Type.Number({
  minimum: 0,
  maximum: 10_000_000,
  description: 'US dollars. Of a cached operation: what it would have cost; it counts as 0, and half as savings.',
});

const Entry = Type.Object(
  {
    service: Service,
    provider,
    cost_usd: cost,
    operation: maybe(operation),
    units: maybe(units),
    unit_type: maybe(unitType),
    session_id: maybe(sessionId),
    turn_id: maybe(turnId),
    cached: maybe(Type.Boolean({ description: 'Whether a cache answered. Left out: nobody asked one.' })),
    optimization_level: maybe(level),
    timestamp: maybe(
      Type.String({ maxLength: 40, description: 'ISO 8601; without a zone it is in UTC. Left out: now.' }),
    ),
  },
  {
    additionalProperties: false,
    example: {
      service: 'llm',
      provider: 'sarvam',
      operation: 'generate',
      units: 1_500,
      unit_type: 'tokens',
      cost_usd: 0.003,
      turn_id: 'turn-456',
      cached: false,
      optimization_level: 'balanced',
      timestamp: '2026-06-07T12:34:56.123456',
    },
  },
);

const RecordedEntry = Type.Object({
  entry_id: Uuid,
  service: Type.String(),
  provider: Type.String(),
  operation: Nullable(Type.String()),
  units: Nullable(Type.Number()),
  unit_type: Nullable(Type.String()),
  cost_usd: Type.Number(),
  session_id: Type.String(),
  turn_id: Nullable(Type.String()),
  cached: Nullable(Type.Boolean()),
  optimization_level: Nullable(Type.String()),
  timestamp: Timestamp,
});

/** `/api/v1/sessions/{session_id}/costs` */
export const costRoutes = [
  route(
    'GET',
    '/sessions/:session_id/costs',
    {
      tags: ['Sessions'],
      summary: 'Get what a session costs',
      description: 'Of all its calls, and of what was posted, by service and by provider.',
      params: sessionParams,
      querystring: Type.Object(sessionUser),
      problems: ['session_not_found', 'role_required', 'records_pending', 'store_unavailable'],
      roles: ownOrReaders,
      response: { 200: Costs },
    },
    async ({ caller, params, query }, context) => {
      const costs = await readCosts(context, caller, { sessionId: params.session_id, user: query.user_id });
      const none = { asr: 0, llm: 0, translation: 0, tts: 0 };
      return {
        total_cost_usd: Number(costs.costUsd),
        breakdown_by_service: { ...none, ...showParts(costs.byService) },
        breakdown_by_provider: showParts(costs.byProvider),
        total_entries: Number(costs.entryCount),
        unpriced_entries: Number(costs.unpricedCount),
        cache_savings_usd: Number(costs.savingsUsd),
        optimization_level: costs.optimizationLevel,
      };
    },
  ),
  route(
    'POST',
    '/sessions/:session_id/costs',
    {
      tags: ['Sessions'],
      summary: 'Record a cost of a session',
      description:
        'Of a service that was called elsewhere. Calls through the proxy are recorded without it. An entry that is sent again with the same Idempotency-Key is recorded once.',
      params: sessionParams,
      headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ maxLength: 255 })) }),
      body: Entry,
      problems: ['records_pending', 'store_unavailable'],
      response: { 201: RecordedEntry },
    },
    async ({ caller, params, headers, body }, context) => {
      requireSameSession(params.session_id, body.session_id);
      const entry = await postCost(context, caller, params.session_id, toEntry(body), headers['idempotency-key']);
      return {
        entry_id: entry.entryId,
        service: entry.service,
        provider: entry.provider,
        operation: entry.operation,
        units: entry.units === null ? null : Number(entry.units),
        unit_type: entry.unitType,
        cost_usd: Number(entry.costUsd),
        session_id: entry.sessionId,
        turn_id: entry.turnId,
        cached: entry.isCached,
        optimization_level: entry.optimizationLevel,
        timestamp: entry.occurredAt.toISOString(),
      };
    },
  ),
];

function toEntry(body: Static<typeof Entry>) {
  return {
    turnId: body.turn_id ?? null,
    service: body.service,
    provider: body.provider,
    operation: body.operation ?? null,
    units: body.units ?? null,
    unitType: body.unit_type ?? null,
    costUsd: body.cost_usd,
    isCached: body.cached ?? null,
    optimizationLevel: body.optimization_level ?? null,
    timestamp: body.timestamp ?? null,
  };
}

/** The document's entry names its session, too. */
function requireSameSession(ofPath: string, ofBody: string | null | undefined): void {
  if (ofBody == null || ofBody === ofPath) return;
  const message = 'session_id must be the session of the path, or left out';
  throw new ProxyError('invalid_request', { param: 'session_id', message });
}

function showParts(parts: readonly { readonly name: string; readonly costUsd: string }[]): Record<string, number> {
  return Object.fromEntries(parts.map(({ name, costUsd }) => [name, Number(costUsd)]));
}
